import t from 'tap'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { oddAnswer, type OddAnswer, seededRandom } from '../helper/odd-answers.ts'
import { startProgram } from '../helper/process.ts'
import { KEY } from '../helper/proxy.ts'
import { exchange, get, listenOn } from '../helper/sockets.ts'

/** FUZZ_ANSWERS=50000 takes some minutes. */
const ANSWERS = Number(process.env['FUZZ_ANSWERS'] ?? 4000)
const CLIENTS = 24
const DEADLINE_MS = 30_000
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_126)

/*
 * A MAAS that is broken, or a front between that is, must not end the process, hang it, or have a client take for whole
 * what is not. Each client asks, and sees one of three things: what MAAS said, whole; an error of the proxy's own; or
 * an answer that is visibly cut off.
 */
t.test('of thousands of odd answers none ends the process or is completed', { timeout: 400_000 }, async t => {
  t.comment(`FUZZ_SEED=${SEED}`)
  const random = seededRandom(SEED)
  const answers = new Map<string, OddAnswer>()
  const sockets = new Set<Socket>()
  const maas = createServer(socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    let text = ''
    socket.on('data', chunk => {
      text += chunk.toString('latin1')
      if (!text.includes('\r\n\r\n')) return
      const [, id = ''] = /^GET \/MAAS\/api\/2\.0\/tags\/(\d+)\//m.exec(text) ?? []
      text = ''
      write(socket, answers.get(id)).catch(error => { t.fail(error.message) })
    })
  })
  const port = await listenOn(t, maas)
  const program = startProgram(t, ['--listen', '127.0.0.1:0', '--log-level', 'fatal', '--response-timeout', '10s'], { MAAS_URL: `http://127.0.0.1:${port}/MAAS`, MAAS_API_KEY: Object.values(KEY).join(':') })
  const listening = await addressOf(program.child.pid as number)
  const lies: string[] = []
  const seen = { whole: 0, error: 0, cut: 0 }
  let asked = 0
  await Promise.all(Array.from({ length: CLIENTS }, async () => {
    while (asked < ANSWERS && lies.length < 5) {
      const id = String(asked++)
      const answer = oddAnswer(random)
      answers.set(id, answer)
      const slow = random() < 0.05
      const leaves = random() < 0.02
      const outcome = await ask(listening, id, answer, slow, leaves)
      answers.delete(id)
      if (outcome === 'lie') lies.push(`${id}: ${answer.name}: ${JSON.stringify(answer.pieces).slice(0, 300)}`)
      else seen[outcome]++
    }
  }))
  t.strictSame(lies, [], 'each client saw the truth')
  for (const [outcome, count] of Object.entries(seen)) t.ok(count > ANSWERS / 50, `${outcome}: ${count}`)
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
  else setTimeout(() => { socket.destroy() }, 20) // or both could wait for the other
}

/** Asks for an answer, and compares what comes with what MAAS said. */
async function ask (port: number, id: string, answer: OddAnswer, slow: boolean, leaves: boolean): Promise<'whole' | 'error' | 'cut' | 'lie'> {
  const socket = connect(port, '127.0.0.1')
  socket.setTimeout(DEADLINE_MS, () => socket.destroy(new Error('the deadline is over')))
  socket.on('error', () => {})
  socket.write(get(`/MAAS/api/2.0/tags/${id}/`))
  let text = ''
  socket.on('data', chunk => {
    text += chunk.toString('latin1')
    if (!slow) return
    socket.pause()
    setTimeout(() => { socket.resume() }, 2)
  })
  if (leaves) setTimeout(() => { socket.destroy() }, 1)
  await once(socket, 'close').catch(() => {})
  if (leaves) return 'cut'
  const at = text.indexOf('\r\n\r\n')
  if (at < 0) return 'cut'
  const head = text.slice(0, at)
  const body = text.slice(at + 4)
  if (/^maas-proxy-error: /im.test(head)) return JSON.parse(body).error.code === undefined ? 'lie' : 'error'
  const complete = bodyOf(head, body)
  if (complete === null) return 'cut'
  if (complete === answer.body) return 'whole'
  return answer.endsWithConnection && `${answer.body}extra`.startsWith(complete) ? 'cut' : 'lie'
}

/** The body of an answer as a client takes it apart (RFC 9112 §6.3); null where it is visibly not whole. */
function bodyOf (head: string, body: string): string | null {
  const [, length] = /^content-length: (\d+)$/im.exec(head) ?? []
  if (length !== undefined) return body.length === Number(length) ? body : null
  if (!/^transfer-encoding: chunked$/im.test(head)) return body
  let text = ''
  let rest = body
  for (;;) {
    const [line, size] = /^([0-9a-f]+)\r\n/i.exec(rest) ?? []
    if (line === undefined || size === undefined) return null
    const bytes = Number.parseInt(size, 16)
    if (bytes === 0) return rest.slice(line.length) === '\r\n' ? text : null
    if (rest.length < line.length + bytes + 2) return null
    text += rest.slice(line.length, line.length + bytes)
    rest = rest.slice(line.length + bytes + 2)
  }
}
