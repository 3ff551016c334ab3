// Starts what is measured, each in a process group of its own and pinned to a core, and reads what a group costs from
// /proc. Whatever way the benchmark ends, every group it started ends with it.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { onlyOnLinux } from '../helper/only-on-linux.mjs'

/** What /proc counts CPU time in: USER_HZ, 100 on every Linux that node runs on. */
const TICK_US = 10_000
const START_TIMEOUT_MS = 10_000
const MIB_IN_KIB = 1024
const COMPLAINT_LENGTH = 1000

onlyOnLinux('CPU time and memory are read')

/** Debian keeps servers in sbin. */
export const SEARCHED = `${process.env.PATH}:/usr/sbin:/sbin`

/** A directory for configurations and logs, gone at the end. */
export const scratch = mkdtempSync(join(tmpdir(), 'maas-auth-proxy-bench-'))

const running = new Set()

process.on('exit', () => {
  for (const { pid } of running) endGroup(pid)
  rmSync(scratch, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1))

/** Whether a command is there. */
export function has (command) {
  return spawnSync('sh', ['-c', `command -v ${command}`], { env: { PATH: SEARCHED } }).status === 0
}

/** `proxy` is the core of what is measured alone, `load` those of everything else; null where nothing can be pinned. */
export const cores = findCores()

function findCores () {
  const allowed = /Cpus_allowed_list:\s+(\S+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1].split(',').flatMap(range => {
    const [first, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
  return allowed.length > 1 && has('taskset') ? { proxy: String(allowed.at(-1)), load: allowed.slice(0, -1).join(',') } : null
}

// This process is load too, and so is what it starts unless it says otherwise.
if (cores !== null) spawnSync('taskset', ['-a', '-p', '-c', cores.load, String(process.pid)])

/**
 * Starts a process.
 * @param core `proxy`, or that of this process
 * @param stdout as `spawn` has it: what most print is of no interest
 * @param stdoutFile appended to instead
 * @returns the child process, with `ended`, a promise, and `complaint`, the end of what it wrote to stderr
 */
export function start ([command, ...args], { core, env = {}, stdout = 'ignore', stdoutFile } = {}) {
  const line = core === undefined || cores === null ? [command, ...args] : ['taskset', '-c', cores[core], command, ...args]
  // Neither settings of ours nor an egress proxy from outside.
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^MAAS_|_proxy$/i.test(name)))
  const file = stdoutFile === undefined ? null : openSync(stdoutFile, 'a')
  const child = spawn(line[0], line.slice(1), {
    cwd: scratch,
    detached: true,
    stdio: ['ignore', file ?? stdout, 'pipe'],
    env: { ...inherited, PATH: SEARCHED, HOME: scratch, ...env }
  })
  if (file !== null) closeSync(file)
  child.complaint = ''
  child.stderr.on('data', chunk => { child.complaint = (child.complaint + chunk).slice(-COMPLAINT_LENGTH) })
  running.add(child)
  child.ended = once(child, 'close').finally(() => running.delete(child))
  return child
}

/** Ends a process with all its children. */
export async function stop (child) {
  if (!running.has(child)) return
  endGroup(child.pid)
  await child.ended
}

function endGroup (pid) {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

/** Waits until a process listens on a port. @returns milliseconds since `since`, of `performance.now()` */
export async function listening (child, port, since = performance.now()) {
  while (!await accepts(port)) {
    if (child.exitCode !== null) throw new Error(`${child.spawnargs.join(' ')} ended with ${child.exitCode} before it listened: ${child.complaint}`)
    if (performance.now() - since > START_TIMEOUT_MS) throw new Error(`${child.spawnargs.join(' ')} does not listen on ${port}`)
    await wait(1)
  }
  return performance.now() - since
}

async function accepts (port) {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** A port of loopback that is free now. */
export async function freePort () {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  await new Promise(resolve => { server.close(resolve) })
  return port
}

/** The processes of a group, as `/proc/PID/stat` has them: what follows the name, split (see proc(5)). */
function groupOf (pid) {
  return readdirSync('/proc').filter(name => /^\d+$/.test(name)).flatMap(name => {
    try {
      const text = readFileSync(`/proc/${name}/stat`, 'utf8')
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
      return Number(fields[2]) === pid ? [{ pid: Number(name), fields }] : []
    } catch {
      return [] // it has ended meanwhile
    }
  })
}

/** User and system time of a process, its children and those that have ended, in microseconds. */
export function cpuUs (child) {
  return groupOf(child.pid)
    .reduce((sum, { fields }) => sum +
      fields.slice(11, 15).reduce((ticks, field) => ticks + Number(field), 0) * TICK_US, 0)
}

/** Resident memory of a process with its children now, in MiB. */
export function residentMib (child) { return memoryMib(child, 'VmRSS') }

/** The most there has been, since the start or {@link forgetPeak}. */
export function peakMib (child) { return memoryMib(child, 'VmHWM') }

function memoryMib (child, field) {
  return groupOf(child.pid).reduce((sum, { pid }) => sum + Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / MIB_IN_KIB, 0)
}

export function forgetPeak (child) {
  for (const { pid } of groupOf(child.pid)) writeFileSync(`/proc/${pid}/clear_refs`, '5')
}
