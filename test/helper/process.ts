import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { Writable } from 'node:stream'
import { renameSync } from 'node:fs'
import type { Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import { run } from '../../src/cli/cli.ts'
import type { Io } from '../../src/cli/command.ts'
import { until } from './until.ts'

interface Test { after: (close: () => unknown) => void }

const inRoot = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** How to start the program from its sources. */
export const FROM_SOURCES = [process.execPath, inRoot('src/main.ts')] as const

/**
 * How to start the program: from its sources, which count for coverage, or as it was built if a variable says where,
 * which takes half the time.
 */
export const PROGRAM = [process.execPath, inRoot(process.env['TESTED_PROGRAM'] ?? 'src/main.ts')] as const

/**
 * The environment without any setting of ours, and with a home below which nothing can be made, as npm would do for
 * root. The compile cache halves what a start costs.
 */
export const ENVIRONMENT = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MAAS_'))),
  HOME: '/dev/null',
  NODE_COMPILE_CACHE: inRoot('.tap/compile-cache')
}

/** For a process whose lines are reached in no other: of code from the compile cache, V8 counts less exactly. */
export const EXACT = { NODE_COMPILE_CACHE: '' } as const

/** The program as a process of its own. */
export interface Program {
  child: ChildProcessWithoutNullStreams
  stdout: () => string
  stderr: () => string
  /** resolves when the text has come out of stdout */
  printed: (text: string) => Promise<void>
  /** the same of stderr */
  warned: (text: string) => Promise<void>
  /** the exit code, or the name of the signal that ended it */
  ended: Promise<number | string>
}

/** How a process is started. */
export interface StartOptions {
  /** sockets that it gets as descriptors 3 and following */
  passed?: readonly Server[]
  /** whether it is in a session of its own: without a terminal even where the tests have one */
  detached?: boolean
}

/** Starts the program with no setting but those given; the working directory has no `.env`. */
export function startProgram (t: Test, argv: readonly string[], env: Record<string, string> = {}, cwd = '/', options: StartOptions = {}): Program {
  return startCommand(t, [...PROGRAM, ...argv], env, cwd, options)
}

/**
 * Starts the program as systemd starts it with a socket unit: descriptors 3 and following are these sockets, and they
 * are its alone. What listens on a unix socket takes its file away when it is closed here, so that file is given
 * another name meanwhile.
 * @param script for sh: runs its arguments, which are the program, with LISTEN_PID set
 */
export function startActivated (
  t: Test, servers: readonly Server[], argv: readonly string[], env: Record<string, string> = {}, script = ACTIVATE
): Program {
  const program = startCommand(t, ['/bin/sh', '-c', script, 'sh', ...PROGRAM, ...argv], { LISTEN_FDS: String(servers.length), ...env }, '/', { passed: servers })
  for (const server of servers) {
    const path = server.address()
    if (typeof path === 'string') renameSync(path, `${path}.held`)
    server.close(() => { if (typeof path === 'string') renameSync(`${path}.held`, path) })
  }
  return program
}

/** `$$` is the id of the shell, and after `exec` that of the program. */
const ACTIVATE = 'LISTEN_PID=$$ exec "$@"'

/** The descriptor of a socket, which node tells nowhere else. */
export function descriptorOf (socket: object): number {
  return (socket as { _handle: { fd: number } })._handle.fd
}

/** Arguments of env(1) for a process without the loader that the test runner adds to this variable. */
export const WITHOUT_LOADER = ['--unset=NODE_OPTIONS'] as const

/** Starts a command and collects what it prints; the end of the test ends it. */
export function startCommand (t: Test, [command = '', ...args]: readonly string[], env: Record<string, string> = {}, cwd = '/', { passed = [], detached = false }: StartOptions = {}): Program {
  const child = spawn(command, args, { env: { ...ENVIRONMENT, ...env }, cwd, stdio: ['pipe', 'pipe', 'pipe', ...passed.map(descriptorOf)], detached }) as ChildProcessWithoutNullStreams
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', chunk => { stdout += chunk })
  child.stderr.on('data', chunk => { stderr += chunk })
  let isOver = false
  const ended = once(child, 'close').then(([code, signal]) => {
    isOver = true
    return code ?? signal
  })
  t.after(() => child.kill('SIGKILL'))
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    printed: async text => { await seen(() => stdout, text) },
    warned: async text => { await seen(() => stderr, text) },
    ended
  }

  async function seen (read: () => string, text: string): Promise<void> {
    await until(`${command} prints ${text}`, () => {
      if (isOver && !read().includes(text)) throw new Error(`ended without printing ${text}: ${stdout}${stderr}`)
      return read().includes(text)
    })
  }
}

/** Runs the program in this process, which is quicker by far where nothing depends on a process of its own. */
export async function runHere (argv: readonly string[], env: Io['env'] = {}): Promise<{ code: number, stdout: string, stderr: string }> {
  const text = { stdout: '', stderr: '' }
  const stream = (name: keyof typeof text) =>
    new Writable({ write (chunk, _encoding, done) { text[name] += chunk; done() } })
  const code = await run({ argv, env, stdout: stream('stdout'), stderr: stream('stderr'), signals: new EventEmitter() })
  return { code, ...text }
}
