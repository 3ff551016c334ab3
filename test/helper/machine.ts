import { type ChildProcess, spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { BARE } from './debian.ts'
import { type Program, startCommand } from './process.ts'
import { until } from './until.ts'

interface Test { after: (close: () => unknown) => void }

/** Where systemd-nspawn keeps something for each machine, and leaves it behind without its manager. */
const PROPAGATED = '/run/systemd/nspawn/propagate'

/**
 * A machine that has booted from a folder, with systemd as its first process and a network of its own that leads
 * nowhere. It ends with the test.
 */
export class Machine {
  readonly #t: Test
  readonly #container: ChildProcess
  readonly #ended: Promise<unknown>
  readonly #cgroup: string
  readonly #name: string
  #init = 0

  private constructor (t: Test, root: string) {
    this.#t = t
    this.#name = `map-${process.pid}`
    this.#cgroup = makeCgroup(this.#name)
    const output = openSync(join(root, '..', 'console'), 'w')
    const script = 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"'
    const nspawn = ['systemd-nspawn', '--quiet', '--register=no', '--keep-unit', '--private-network', `--machine=${this.#name}`, `--directory=${root}`, '--console=pipe', '--boot']
    this.#container = spawn('sh', ['-c', script, 'sh', this.#cgroup, ...nspawn], { env: BARE, stdio: ['ignore', output, output] })
    closeSync(output)
    this.#ended = once(this.#container, 'exit')
    t.after(() => this.end())
  }

  /** Boots a root. @returns the machine, or why this one cannot boot it */
  static async boot (t: Test, root: string): Promise<Machine | string> {
    const machine = new Machine(t, root)
    await until('a machine boots', () => machine.#container.exitCode !== null || machine.#isUp())
    if (machine.#container.exitCode === null) return machine
    return `systemd-nspawn cannot boot it: ${readFileSync(join(root, '..', 'console'), 'utf8').trim().split('\n').at(-1)}`
  }

  #isUp (): boolean {
    const { pid } = this.#container
    const [child = ''] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')
    if (child === '' || readFileSync(`/proc/${child}/comm`, 'utf8') !== 'systemd\n') return false
    this.#init = Number(child)
    return /running|degraded/.test(this.run('systemctl', 'is-system-running').stdout)
  }

  /** Runs a command in it. */
  run (...command: readonly string[]): SpawnSyncReturns<string> {
    const [name = '', ...args] = this.#enter(['-m', '-u', '-i', '-p', '-C', '-r', '-w'], ['env', '-i', `PATH=${BARE.PATH}`, ...command])
    return spawnSync(name, args, { encoding: 'utf8', timeout: 60_000 })
  }

  /** Starts a command of this machine in its network. */
  startClient (...command: readonly string[]): Program {
    return startCommand(this.#t, this.#enter([], command))
  }

  /** The path here of a file in it, also of one that it has mounted. */
  file (path: string): string {
    return join(`/proc/${this.#init}/root`, path)
  }

  #enter (namespaces: readonly string[], command: readonly string[]): string[] {
    return ['nsenter', '-t', String(this.#init), '-n', ...namespaces, '--', ...command]
  }

  /** Turns it off, as its power button would, and takes away what systemd-nspawn leaves behind. */
  async end (): Promise<void> {
    this.#container.kill('SIGTERM')
    const hard = setTimeout(() => this.#container.kill('SIGKILL'), 20_000)
    await this.#ended
    clearTimeout(hard)
    await until('its processes are gone', () => removeCgroup(this.#cgroup))
    const propagated = join(PROPAGATED, this.#name)
    if (existsSync(propagated)) rmdirSync(propagated)
  }
}

/** Makes a group for control below that of this process. @returns its folder */
function makeCgroup (name: string): string {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
  const [, mount = ''] = /^(?:\S+ ){4}(\S+) .* - cgroup2 /m.exec(mounts) ?? []
  const [, own = ''] = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8')) ?? []
  const folder = join(mount, own, name)
  mkdirSync(folder)
  return folder
}

/** Removes a group and those in it. @returns whether it is gone: while it has processes it is busy */
function removeCgroup (folder: string): boolean {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory() && !removeCgroup(join(folder, entry.name))) return false
    }
    rmdirSync(folder)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false
    throw error
  }
}
