// The way between the proxy and MAAS, which dies without a word: a device on it forgets all connections of a moment, so
// that MAAS hears them, and they do not hear MAAS. For that the soak runs in a network namespace of its own, and MAAS
// in another one; where those cannot be had, no connection dies like this.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { ADDRESS, configure, forget, MAAS_ADDRESS, OTHER_ADDRESS, whyNoMachines } from '../helper/machines.ts'

const INSIDE = 'MAAS_AUTH_PROXY_SOAK_INSIDE'
const ADDRESSES = [ADDRESS, OTHER_ADDRESS]
/** longer than the time in which requests may be lost, so that for the rest of it none may */
const INTERVAL_MS = 60_000
/** until the system has found that nobody answers on a connection that waits for nothing */
const NOTICED_MS = 16_000
/** until all that was sent on a connection that had died has its answer, be it that it was lost */
const ANSWERED_MS = 40_000

/** Runs this program again in a namespace of its own. @returns its exit code; null if this is it, or there is none */
export async function runInside () {
  if (process.env[INSIDE] !== undefined || whyNoMachines() !== null) return null
  const args = ['--net', process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  const child = spawn('unshare', args, { stdio: 'inherit', env: { ...process.env, [INSIDE]: '1' } })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  const [code] = await once(child, 'exit')
  return code ?? 1
}

export class Way {
  /** how often all connections have died */
  deaths = 0
  /** the address of MAAS */
  address = '127.0.0.1'
  /** what a command of MAAS begins with */
  prefix = []
  #diedAt = -Infinity
  #namespace = null

  constructor () {
    if (process.env[INSIDE] === undefined) return
    this.address = MAAS_ADDRESS
    this.#namespace = `soak${process.pid}`
    this.prefix = ['ip', 'netns', 'exec', this.#namespace]
    ip(`netns add ${this.#namespace}`)
    process.on('exit', () => { ip(`netns del ${this.#namespace}`) })
    ip(`link add way0 type veth peer name way0 netns ${this.#namespace}`)
    configure(this.#ip)
  }

  get isMortal () { return this.#namespace !== null }

  /** Lets connections die now and then. @param seconds how long it is until it is over */
  async run (seconds, isOver) {
    if (!this.isMortal) return
    for (let restMs = Math.min(INTERVAL_MS, seconds * 600); !isOver(); restMs = INTERVAL_MS) {
      for (const end = performance.now() + restMs; performance.now() < end && !isOver();) await wait(100)
      if (!isOver()) this.#die()
    }
  }

  /** @returns when the proxy has noticed the last death, on every connection */
  async noticed () {
    await wait(Math.max(0, this.#diedAt + NOTICED_MS - performance.now()))
  }

  /** @returns a function that says whether what is asked now can have been lost */
  watch () {
    const { deaths } = this
    const isRecent = performance.now() < this.#diedAt + ANSWERED_MS
    return () => isRecent || deaths !== this.deaths
  }

  /** New connections come from the other address, and to the one that they came from until now no answer gets. */
  #die () {
    const [lost, next] = this.deaths % 2 === 0 ? ADDRESSES : ADDRESSES.toReversed()
    if (this.deaths > 0) this.#ip('maas', `route del blackhole ${next}/32`)
    forget(this.#ip, lost, next)
    this.deaths++
    this.#diedAt = performance.now()
  }

  /** The machine of the proxy is where the soak runs. */
  #ip = (machine, command) => { ip(machine === 'maas' ? `-n ${this.#namespace} ${command}` : command) }
}

function ip (command) {
  execFileSync('ip', command.split(' '))
}
