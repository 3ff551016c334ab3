// Sees to it that a candidate does what it is measured for, before it is.
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { ECHO_PATH, HEADERS, KEY, PATHS, SAMPLE } from './sample.mjs'

/** Of the header, what the key alone says; the order of parameters is free. */
/** Longer than lines of the log wait for one another. */
const LINES_WAIT_MS = 200

const SIGNED = [`oauth_consumer_key="${KEY.consumer}"`, `oauth_token="${KEY.token}"`, `oauth_signature="%26${KEY.secret}"`]

/** @throws if an answer is not the upstream's, or a signature not a fresh one */
export async function checkAnswers ({ name, signs, url }) {
  const insist = (condition, what) => { if (!condition) throw new Error(`${name}: ${what}`) }
  const sample = await ask(url, PATHS[0])
  insist(sample.status === 200 && sample.body === SAMPLE, `another answer than the upstream's: ${sample.status} ${sample.body}`)
  if (!signs) return
  const seen = []
  for (let i = 0; i < 2; i++) {
    const { body } = await ask(url, ECHO_PATH)
    insist(SIGNED.every(parameter => body.includes(parameter)), `not signed with the key: ${body}`)
    const age = Date.now() / 1000 - Number(/oauth_timestamp="(\d+)"/.exec(body)?.[1])
    insist(Math.abs(age) < 5, `not signed now: ${body}`)
    seen.push(/oauth_nonce="([^"]{32,})"/.exec(body)?.[1])
  }
  insist(seen[0] !== undefined && seen[0] !== seen[1], `signed with the same nonce: ${seen[0]}`)
}

/** @throws if ours lacks anything of what it has to do beside: guard, rules, log */
export async function checkEverythingOn ({ url, log }) {
  const refused = [await ask(url, PATHS[0], { headers: { Host: 'elsewhere.example' } }), await ask(url, PATHS[0], { method: 'DELETE' })]
  if (refused.some(({ status }) => status !== 403)) throw new Error(`the guard or the rules are off: ${refused.map(({ status }) => status).join(', ')}`)
  await wait(LINES_WAIT_MS)
  if (!readFileSync(log, 'utf8').includes(`"path":"${ECHO_PATH}"`)) throw new Error('the access log is off')
}

async function ask (url, path, { method = 'GET', headers = {} } = {}) {
  return await new Promise((resolve, reject) => {
    request(url + path, { method, headers: { ...HEADERS, ...headers }, agent: false }, response => {
      text(response).then(body => { resolve({ status: response.statusCode, body }) }, reject)
    }).on('error', reject).end()
  })
}
