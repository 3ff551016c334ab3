// The proxy and its upstream as processes: what they say, what they use, and the upstream's deaths. Whatever way the
// soak ends, they end with it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const UPSTREAM = fileURLToPath(new URL('upstream.mjs', import.meta.url))
/** how long after it listens an upstream may still meet the proxy's news of its death */
const GRACE_MS = 500
/** V8 lets its young generation grow to 96 MiB under load, which would hide a leak as large. */
const SMALL_YOUNG_GENERATION = '--max-semi-space-size=8'
/** What the proxy logs of a key file that is broken: the one error that is to be. */
export const UNREADABLE = 'the API key could not be read again; the old one stays in use'
const DROPPED = 'log records were dropped because nobody read the log'

/** A directory for keys, configuration and ledger, gone at the end. */
export const scratch = mkdtempSync(join(tmpdir(), 'maas-auth-proxy-soak-'))

const running = new Set()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
  rmSync(scratch, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1))

// Neither settings of ours nor an egress proxy from outside, nor what a test runner wants of its own processes.
const env = { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(MAAS_|TAP|NODE_)|_proxy$/i.test(name))), HOME: scratch }

function start ([command, ...args], stdio) {
  const child = spawn(command, args, { cwd: scratch, stdio, env })
  running.add(child)
  child.ended = once(child, 'exit').then(([code, signal]) => {
    running.delete(child)
    return code ?? signal
  })
  return child
}

/** The upstream, which can be killed and comes back on the same port. */
export class Upstream {
  deaths = 0
  starts = 0
  port = 0
  #child
  #args
  #prefix
  #quietSince = Infinity

  /** @param trust the files of its certificate @param way where it is */
  constructor (ledger, keys, { certFile, keyFile }, { address, prefix }) {
    this.#args = [address, ledger, JSON.stringify(keys), certFile, keyFile]
    this.#prefix = prefix
  }

  async start () {
    this.#child = start([...this.#prefix, process.execPath, UPSTREAM, String(this.port), ...this.#args], ['ignore', 'inherit', 'inherit', 'ipc'])
    const ended = this.#child.ended.then(code => { throw new Error(`the upstream ended with ${code}`) })
    ended.catch(() => {}) // it is killed later
    const [port] = await Promise.race([once(this.#child, 'message'), ended])
    this.port = port
    this.starts++
    this.#quietSince = performance.now() + GRACE_MS
  }

  async kill () {
    this.deaths++
    this.#quietSince = Infinity
    this.#child.kill('SIGKILL')
    await this.#child.ended
  }

  /** @returns a function that says whether the upstream has been away since now, or only just come back */
  watch () {
    const { deaths } = this
    const wasAway = performance.now() < this.#quietSince
    return () => wasAway || deaths !== this.deaths
  }

  /** Kills it every second or so, until told to stop; then it runs. */
  async die (random, isOver) {
    while (!isOver()) {
      await wait(random.between(700, 1000))
      await this.kill()
      await wait(random.between(0, 200))
      await this.start()
    }
  }
}

/** The proxy, and what it writes. */
export class Proxy {
  addresses = []
  records = 0
  /** records that it says it has dropped */
  dropped = 0
  #child
  #onRecord = []

  /**
   * @param secrets texts that it must never write
   * @param report takes what it must not do
   */
  constructor (program, config, secrets, report) {
    this.#child = start([process.execPath, SMALL_YOUNG_GENERATION, program, '--config', config, '--log-format', 'json'], ['ignore', 'pipe', 'pipe'])
    this.ended = this.#child.ended
    createInterface(this.#child.stderr).on('line', line => report('the proxy wrote to stderr', line))
    createInterface(this.#child.stdout).on('line', line => {
      this.records++
      if (secrets.some(secret => line.includes(secret))) report('a secret in the log', line)
      const record = parse(line)
      if (record === null || /unhandled|uncaught/i.test(line) || (record.level >= 50 && record.msg !== UNREADABLE)) report('a record of the proxy', line)
      if (record?.msg === DROPPED) this.dropped += record.records
      if (record?.msg === 'listening') this.addresses.push(record.address)
      for (const listener of [...this.#onRecord]) listener(record?.msg)
    })
  }

  /** @returns when one of these messages has been logged since the call: that one; null when the time is over */
  async logged (messages, timeoutMs) {
    return await new Promise(resolve => {
      const done = message => {
        clearTimeout(timer)
        this.#onRecord = this.#onRecord.filter(other => other !== listener)
        resolve(message)
      }
      const listener = message => { if (messages.includes(message)) done(message) }
      const timer = setTimeout(done, timeoutMs, null)
      this.#onRecord.push(listener)
    })
  }

  /** Reads nothing of the log for so long, as a terminal that Ctrl-S has stopped. */
  async stallLog (ms) {
    this.#child.stdout.pause()
    await wait(ms)
    this.#child.stdout.resume()
  }

  signal (name) { this.#child.kill(name) }

  /** Resident memory in MiB, and open descriptors: all of them, and the sockets. */
  usage () {
    const { pid } = this.#child
    const links = readdirSync(`/proc/${pid}/fd`).map(fd => link(`/proc/${pid}/fd/${fd}`))
    return {
      mib: Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024,
      descriptors: links.length,
      sockets: links.filter(target => target.startsWith('socket:')).length
    }
  }
}

function link (path) {
  try {
    return readlinkSync(path)
  } catch {
    return '' // closed meanwhile
  }
}

function parse (line) {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}
