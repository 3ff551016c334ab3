// The upstream of the soak: one process that is killed at any moment and started again. Every request, and every body
// that has come whole, is in its ledger before anything is answered, one JSON line each; the ledger outlives the
// process.
//
//   node upstream.mjs PORT ADDRESS LEDGER KEYS CERT KEY
//
// It tells its parent the port, of which 0 is any; KEYS: {"name": "consumer:token:secret"} as JSON; CERT and KEY: files
// in PEM for TLS
import { createHash } from 'node:crypto'
import { openSync, readFileSync, writeSync } from 'node:fs'
import { createServer } from 'node:https'
import { setTimeout as wait } from 'node:timers/promises'
import { answerBody, EARLY_SIZE, statusOf } from './answers.mjs'

const [port, address, path, keysText, certFile, keyFile] = process.argv.slice(2)
const keys = Object.entries(JSON.parse(keysText))
const ledger = openSync(path, 'a')
const MAX_SKEW_SECONDS = 300
const PARTS = 5
const PART_MS = 60

function record (...fields) {
  writeSync(ledger, `${JSON.stringify(fields)}\n`)
}

const [cert, key] = [certFile, keyFile].map(file => readFileSync(file))
const server = createServer({ cert, key, requireHostHeader: true, keepAliveTimeout: 60_000 }, (request, response) => {
  answer(request, response).catch(error => {
    // A client that is gone is what the proxy does when its own client goes.
    if (!request.destroyed && !response.destroyed) throw error
  })
})
server.listen(Number(port), address, () => { process.send(server.address().port) })
process.on('disconnect', () => process.exit())

async function answer (request, response) {
  const { method, url, headers } = request
  const query = new URLSearchParams(url.split('?')[1])
  const [id, how, size] = [query.get('n') ?? '', query.get('how') ?? 'own', Number(query.get('size'))]
  const { key, nonce } = signatureOf(request)
  record('head', id, method, url, key, nonce)
  if (how === 'early') return response.writeHead(statusOf(how), { 'Content-Length': EARLY_SIZE }).end(answerBody({ method, id, digest: '', size: EARLY_SIZE }))

  const hash = createHash('sha256')
  let length = 0
  for await (const chunk of request) {
    hash.update(chunk)
    length += chunk.length
  }
  const digest = length === 0 ? '' : hash.digest('hex')
  record('whole', id, digest)
  if (how === 'own') return response.end(url.includes('whoami') ? '{"username": "soak"}' : '{"version": "3.6.0", "subversion": "", "capabilities": []}')
  if (how === 'secret') return response.writeHead(statusOf(how), { 'Content-Type': 'text/plain' }).end(`Invalid signature: ${headers.authorization}`)

  if (how === 'vanish') return request.socket.destroy()

  const body = answerBody({ method, id, digest, size })
  if (how === 'late') await wait(PARTS * PART_MS)
  response.writeHead(statusOf(how), how.startsWith('chunked') ? {} : { 'Content-Length': body.length })
  if (how.endsWith('part')) {
    response.write(body.subarray(0, size / 2))
    await wait(PART_MS)
    request.socket.destroy()
  } else if (method !== 'HEAD' && (how === 'drip' || how === 'chunked')) {
    const part = Math.ceil(size / PARTS)
    for (let at = 0; at < size; at += part) {
      response.write(body.subarray(at, at + part))
      await wait(how === 'drip' ? PART_MS : 1)
    }
    response.end()
  } else {
    response.end(method === 'HEAD' ? undefined : body)
  }
}

/**
 * Whose signature a request has: the name of a key, nobody's, or what is wrong with it. No field may be more, less or
 * of another key.
 */
function signatureOf ({ rawHeaders, headers: { authorization } }) {
  if (rawHeaders.filter(field => field.toLowerCase() === 'authorization').length > 1) return { key: 'more than one', nonce: '' }
  if (authorization === undefined) return { key: 'nobody', nonce: '' }
  const fields = Object.fromEntries([...authorization.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, decodeURIComponent(value)]))
  const { oauth_nonce: nonce = '', oauth_timestamp: timestamp = '' } = fields
  const [name] = keys.find(([, key]) => {
    const [consumer, token, secret] = key.split(':')
    return fields.oauth_consumer_key === consumer && fields.oauth_token === token && fields.oauth_signature === `&${secret}`
  }) ?? ['a mix of keys']
  const isFit = /^OAuth /.test(authorization) && Object.keys(fields).length === 7 && fields.oauth_version === '1.0' && fields.oauth_signature_method === 'PLAINTEXT' &&
    /^[0-9a-f]{32}$/.test(nonce) && /^\d+$/.test(timestamp) && Math.abs(Number(timestamp) - Date.now() / 1000) < MAX_SKEW_SECONDS
  return { key: isFit ? name : 'a malformed signature', nonce }
}
