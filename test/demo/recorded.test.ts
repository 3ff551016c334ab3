import { connect } from 'node:net'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { type MaasVersion, type StandIn, startStandIn, VERSIONS } from '../../src/demo/stand-in/index.ts'
import { sign } from '../helper/maas-client.ts'

/**
 * An answer of a real MAAS, without the fields that belong to the moment: Date, Server, Content-Length and Connection.
 */
interface Recorded {
  status: number
  reason: string
  fields: Array<[name: string, value: string]>
  /** the body, or the types of its JSON; neither where the recording was cut */
  body?: string
  shape?: unknown
  /** whether `100 Continue` came first */
  continues?: true
}

/**
 * A request, and what a MAAS 3.4.10 and a MAAS 3.7.3 answered to it, alike or not. Double braces are filled in for each
 * run.
 */
interface Case { name: string, request: string, answer?: Recorded, answers?: Record<MaasVersion, Recorded> }

const CASES: Case[] = JSON.parse(readFileSync(new URL('recorded.json', import.meta.url), 'utf8'))

/**
 * Differences that stay, each with its reason. What was cut in the recordings (long lists of machines, `describe/`,
 * `openapi.yaml`) has no body there; the stand-in describes its own operations, in words of its own.
 */
const ACCEPTED: Record<string, string> = {
  'op suffix + form': 'the recorded MAAS had no machine to allocate; a demonstration needs one'
}

/** What stands for the double braces of a request or an answer. */
function filler ({ admin, user, port }: StandIn, now: number): (text: string) => string {
  const keys = { admin, user }
  return text => text.replaceAll(/\{\{(.+?)\}\}/g, (_all, name: string) => {
    const [first = '', second = '', third = ''] = name.split('.')
    const repeated = /^(\w)\*(\d+)$/.exec(name)
    if (repeated !== null) return (repeated[1] as string).repeat(Number(repeated[2]))
    if (first === 'sign') return `Authorization: ${sign(keys[second as 'admin' | 'user'], now, { oauth_nonce: `${third}.${name.split('.')[3]}` })}`
    if (first === 'nonce') return name
    if (name === 'host') return `127.0.0.1:${port}`
    if (name === 'host%') return encodeURIComponent(`127.0.0.1:${port}`)
    if (first.startsWith('now')) return String(now + Number(first.slice(3)))
    return String(keys[first as 'admin' | 'user']?.[second as 'consumer'] ?? `{{${name}}}`)
  })
}

/** Sends bytes on a connection of their own. @returns all that comes back, byte by byte as latin1 */
async function send (port: number, bytes: string): Promise<string> {
  return await new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.on('data', chunk => { answer += chunk.toString('latin1') })
    socket.on('error', () => {}) // a server that refuses a body closes while it still comes
    socket.on('close', () => resolve(answer))
    socket.write(bytes, 'latin1')
  })
}

/** Reads an answer of raw bytes in the form of the recordings. */
function parse (answer: string, wanted: Recorded): Recorded {
  const continues = answer.startsWith('HTTP/1.1 100 Continue\r\n\r\n')
  const final = continues ? answer.slice('HTTP/1.1 100 Continue\r\n\r\n'.length) : answer
  const end = final.indexOf('\r\n\r\n')
  const [line = '', ...lines] = final.slice(0, end).split('\r\n')
  const [, status, reason = ''] = /^HTTP\/1\.1 (\d+) ?(.*)$/.exec(line) ?? []
  const fields = lines.map(text => text.split(/: (.*)/s, 2) as [string, string]).map(([name, value]): [string, string] => [name, generalize(name, value)])
    .filter(([name]) => !['Date', 'Server', 'Content-Length', 'Connection'].includes(name))
  const raw = final.slice(end + 4)
  const isChunked = fields.some(([name]) => name === 'Transfer-Encoding')
  const text = Buffer.from(isChunked ? raw.replaceAll(/(?:^|\r\n)[0-9a-f]+\r\n(?:\r\n$)?/g, '') : raw, 'latin1').toString()
  const body = wanted.shape !== undefined
    ? { shape: shapeOf(JSON.parse(text)) }
    : wanted.body !== undefined ? { body: text } : {}
  return { status: Number(status), reason, fields: fields.sort(byName), ...body, ...continues && { continues } }
}

const byName = ([a]: [string, string], [b]: [string, string]) => a < b ? -1 : a > b ? 1 : 0

function generalize (name: string, value: string): string {
  if (name === 'X-Maas-Api-Hash') return '{{hash}}'
  return name === 'Set-Cookie' ? value.replace(/(csrftoken|sessionid)=\w+/, '$1={{token}}').replace(/expires=[^;]*20(2[6-9]|30)[^;]*;/, 'expires={{date}};') : value
}

/** The types of a JSON value: names of fields in order, and each kind of element once. */
function shapeOf (value: unknown): unknown {
  if (value === null) return null
  if (Array.isArray(value)) {
    return [...new Map(value.map(shapeOf).map(shape => [JSON.stringify(shape), shape])).values()]
  }
  if (typeof value !== 'object') return typeof value
  return Object.fromEntries(
    Object.entries(value).sort(byName as never).map(([name, member]) => [name, shapeOf(member)]))
}

for (const version of VERSIONS) {
  t.test(`what a MAAS ${version} answered, request by request`, async t => {
    const standIn = await startStandIn({ version })
    t.after(() => standIn.close())
    for (const { name, request, answer, answers } of CASES) {
      const now = Math.floor(Date.now() / 1000)
      const fill = filler(standIn, now)
      const recorded = answer ?? answers?.[version] as Recorded
      const wanted = {
        ...recorded,
        fields: recorded.fields.sort(byName),
        ...recorded.body !== undefined && { body: fill(recorded.body) }
      }
      const found = parse(await send(standIn.port, fill(request)), wanted)
      // the second may have gone by meanwhile
      const later = JSON.stringify(found).replaceAll(String(now + 1), String(now))
      const accepted = ACCEPTED[name]
      if (accepted === undefined) t.strictSame(JSON.parse(later), JSON.parse(JSON.stringify(wanted)), name)
      else t.not(later, JSON.stringify(wanted), `${name} differs: ${accepted}`)
    }
  })
}
