import t from 'tap'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { judge, type Outcome } from '../helper/judge-answers.ts'
import { oddAnswer, type OddAnswer, seededRandom } from '../helper/odd-answers.ts'
import { startProgram } from '../helper/process.ts'
import { KEY } from '../helper/proxy.ts'
import { exchange, get, listenOn } from '../helper/sockets.ts'

t.setTimeout(400_000) // thousands of answers take half a minute where much else runs

/** FUZZ_ANSWERS=50000 takes some minutes. */
const ANSWERS = Number(process.env['FUZZ_ANSWERS'] ?? 4000)
const CLIENTS = 24
const DEADLINE_MS = 30_000
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_126)

/** What a client does on one connection: what it asks for, more than one in a pipeline, and how it reads. */
interface Round {
  ids: string[]
  answers: OddAnswer[]
  slow: boolean
  leaves: boolean
}

/** The rounds of a client. They follow from the seed and the client alone, so that a seed repeats a run. */
function * roundsOf (client: number): Generator<Round, never> {
  const random = seededRandom(SEED + client)
  let asked = 0
  for (;;) {
    const length = random() < 0.2 ? 2 + Math.floor(random() * 2) : 1
    const ids = Array.from({ length }, () => `${client}-${asked++}`)
    const answers = ids.map(id => oddAnswer(random, id))
    const slow = random() < (answers.some(({ isLarge }) => isLarge) ? 0.5 : 0.05)
    yield { ids, answers, slow, leaves: random() < 0.02 }
  }
}

t.test('a seed gives each client its own sequence, the same in every run', async t => {
  const begin = (client: number) => {
    const rounds = roundsOf(client)
    const first = Array.from({ length: 20 }, () => rounds.next().value)
    return createHash('sha256').update(JSON.stringify(first)).digest('hex')
  }
  const sequences = Array.from({ length: CLIENTS }, (_, client) => begin(client))
  t.strictSame(Array.from({ length: CLIENTS }, (_, client) => begin(client)), sequences)
  t.equal(new Set(sequences).size, CLIENTS, 'no two clients do the same')
})

t.test('the judge of what came knows truth from lies', async t => {
  const length = (id: string, body: string) => `HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-Answer: ${id}\r\n\r\n${body}`
  const chunked = (id: string, body: string) => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Answer: ${id}\r\n\r\n${body}`
  const closing = (text: string) => text.replace('\r\n', '\r\nConnection: close\r\n')
  const rows: Array<[text: string, wanted: Outcome[] | RegExp, reason: string, endsWithConnection?: boolean]> = [
    [length('0', '0 a') + length('1', '1 a'), ['whole', 'whole'], 'both are whole'],
    [chunked('0', '3\r\n0 a\r\n0\r\n\r\n') + length('1', '1 '), ['whole', 'cut'], 'the second is cut'],
    [length('0', '0 a') + closing(length('1', '1 a')), ['whole', 'whole'], 'the last closes'],
    [length('0', '0 a') + 'HTTP/1.1 200', ['whole', 'cut'], 'the second is cut in its head'],
    [length('0', '0 '), ['cut', 'cut'], 'nothing comes after a cut'],
    [chunked('0', '3\r\n0 '), ['cut', 'cut'], 'a cut inside of a chunk'],
    ['', ['cut', 'cut'], 'the connection ends'],
    [length('0', '0 a'), ['whole', 'cut'], 'the connection ends after the first'],
    [`HTTP/1.1 502 Bad Gateway\r\nMAAS-Proxy-Error: A\r\nContent-Length: 22\r\n\r\n{"error":{"code":"A"}}${length('1', '1 a')}`, ['error', 'whole'], 'an error of the proxy'],
    [chunked('0', '2\r\n0 \r\n0\r\n\r\n') + length('1', '1 a'), ['cut', 'whole'], 'cut in order by MAAS, which nobody can see', true],
    [length('1', '1 a') + length('0', '0 a'), /is that of 1/, 'the wrong order'],
    [length('0', '1 a') + length('1', '1 a'), /3 bytes as whole/, 'a body of another'],
    [chunked('0', '2\r\n0 \r\n0\r\n\r\n') + length('1', '1 a'), /2 bytes as whole/, 'a part as if it were whole'],
    [length('0', '0 ') + length('1', '1 a'), /3 bytes as whole/, 'an answer behind a cut one by length'],
    [chunked('0', '3\r\n0 ') + length('1', '1 a'), /bytes/, 'an answer behind a cut chunk'],
    [chunked('0', '3\r\n0 a\r\n') + length('1', '1 a'), /bytes/, 'an answer between two chunks'],
    [closing(length('0', '0 a')) + length('1', '1 a'), /behind the last one/, 'an answer on a connection that is closed'],
    [length('0', '0 a') + length('1', '1 a') + 'x', /behind the last answer/, 'more than was asked for'],
    [length('0', '0 a') + 'x', /behind the last one/, 'what is no answer']
  ]
  for (const [text, wanted, reason, endsWithConnection = false] of rows) {
    const outcome = judge(text, ['0', '1'].map(id => ({ id, body: `${id} a`, endsWithConnection })))
    if (wanted instanceof RegExp) t.match(outcome, wanted, reason)
    else t.strictSame(outcome, wanted, reason)
  }
})

/*
 * A MAAS that is broken, or a front between that is, must not end the process, hang it, or have a client take for whole
 * what is not. Each client asks, and sees one of three things: what MAAS said, whole; an error of the proxy's own; or
 * an answer that is visibly cut off. The answers of a pipeline come in the order of its requests, and none after a cut.
 */
t.test('of thousands of odd answers none ends the process or is completed', { timeout: 400_000 }, async t => {
  t.comment(`FUZZ_SEED=${SEED}`)
  const answers = new Map<string, OddAnswer>()
  const sockets = new Set<Socket>()
  const maas = createServer(socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    let text = ''
    socket.on('data', chunk => {
      text += chunk.toString('latin1')
      if (!text.includes('\r\n\r\n')) return
      const [, id = ''] = /^GET \/MAAS\/api\/2\.0\/tags\/([\d-]+)\//m.exec(text) ?? []
      text = ''
      write(socket, answers.get(id)).catch(error => { t.fail(error.message) })
    })
  })
  const port = await listenOn(t, maas)
  const program = startProgram(t, ['--listen', '127.0.0.1:0', '--log-level', 'fatal', '--response-timeout', '10s'], { MAAS_URL: `http://127.0.0.1:${port}/MAAS`, MAAS_API_KEY: Object.values(KEY).join(':') })
  const listening = await addressOf(program.child.pid as number)
  const lies: string[] = []
  const counts = () => ({ whole: 0, error: 0, cut: 0 })
  const seen = { alone: counts(), pipelined: counts(), large: counts() }
  await Promise.all(Array.from({ length: CLIENTS }, async (_, client) => {
    let asked = 0
    for (const round of roundsOf(client)) {
      if (asked >= ANSWERS / CLIENTS || lies.length >= 5) return
      asked += round.ids.length
      for (const [i, id] of round.ids.entries()) answers.set(id, round.answers[i] as OddAnswer)
      const outcomes = await ask(listening, round)
      for (const id of round.ids) answers.delete(id)
      if (typeof outcomes === 'string') {
        const asked = round.answers.map(({ name, pieces }) => `${name}: ${JSON.stringify(pieces.map(piece => piece.slice(0, 300)))}`)
        lies.push(`${round.ids.join(', ')}: ${outcomes}${round.slow ? '; read slowly' : ''}: ${asked.join('; ')}`)
      } else {
        for (const [i, outcome] of outcomes.entries()) {
          seen[round.ids.length > 1 ? 'pipelined' : 'alone'][outcome]++
          if (round.answers[i]?.isLarge) seen.large[outcome]++
        }
      }
    }
  }))
  t.strictSame(lies, [], 'each client saw the truth')
  for (const [kind, least] of [['alone', ANSWERS / 50], ['pipelined', ANSWERS / 100], ['large', ANSWERS / 1000]] as const) {
    for (const [outcome, count] of Object.entries(seen[kind])) t.ok(count > least, `${kind}, ${outcome}: ${count}`)
  }
  t.match(await exchange(listening, get('/-/live')), /^HTTP\/1\.1 200 /, 'the process lives')
  t.equal(program.stderr(), '', 'and has said nothing')
  for (const socket of sockets) socket.destroy()
  program.child.kill('SIGTERM')
  t.equal(await program.ended, 0, 'it ends when it is asked to')
})

/** The port that a process listens on, which its log does not say at this level. */
async function addressOf (pid: number): Promise<number> {
  const end = Date.now() + DEADLINE_MS
  while (Date.now() < end) {
    const inodes = new Set<string>()
    for (const fd of readdirSync(`/proc/${pid}/fd`)) {
      try {
        inodes.add(readlinkSync(`/proc/${pid}/fd/${fd}`))
      } catch {
        // closed meanwhile
      }
    }
    for (const line of readFileSync(`/proc/${pid}/net/tcp`, 'utf8').split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode] = line.trim().split(/ +/)
      if (state === '0A' && inodes.has(`socket:[${inode}]`)) return Number.parseInt(local.split(':')[1] ?? '', 16)
    }
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  throw new Error('the program does not listen')
}

/** Writes an answer as it is: piece by piece, and then what becomes of the connection. */
async function write (socket: Socket, answer: OddAnswer | undefined): Promise<void> {
  if (answer === undefined) {
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}') // whose key it is
    return
  }
  for (const piece of answer.pieces) {
    socket.write(piece, 'latin1')
    if (answer.pieces.length > 1) await new Promise(resolve => setImmediate(resolve))
  }
  if (answer.end === 'close') socket.end()
  else if (answer.end === 'reset') socket.resetAndDestroy()
  // Or both could wait for the other. Not before all is sent, or no large answer would be whole.
  else socket.write('', () => { setTimeout(() => { socket.destroy() }, 20) })
}

/**
 * Asks for the answers of a round on one connection, and compares what comes with what MAAS said.
 * @returns the outcome of each, or what is not true of them, in words
 */
async function ask (port: number, { ids, answers, slow, leaves }: Round): Promise<Outcome[] | string> {
  const socket = connect(port, '127.0.0.1')
  let isOver = false
  socket.setTimeout(DEADLINE_MS, () => {
    isOver = true
    socket.destroy()
  })
  socket.on('error', () => {})
  const last = ids.at(-1)
  const target = (id: string | undefined) => `/MAAS/api/2.0/tags/${id}/`
  const kept = ids.slice(0, -1).map(id => `GET ${target(id)} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  socket.write(`${kept.join('')}${get(target(last))}`)
  let text = ''
  const rest = (ms: number) => {
    socket.pause()
    setTimeout(() => { socket.resume() }, ms)
  }
  socket.on('data', chunk => {
    text += chunk.toString('latin1')
    if (slow) rest(2)
  })
  if (slow) rest(50) // so that the buffers on the way are full
  if (leaves) setTimeout(() => { socket.destroy() }, 1)
  await once(socket, 'close').catch(() => {})
  if (leaves) return ids.map(() => 'cut')
  if (isOver) return `nothing came for ${DEADLINE_MS} ms, after ${text.length} bytes`
  return judge(text, answers)
}
