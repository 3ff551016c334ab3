import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What is needed of tap's test object. */
export interface Test { after: (close: () => unknown) => void }

/** Debian's own, for which Debian's modules are. */
export const PYTHON = '/usr/bin/python3'

/**
 * Why a client cannot be had, or false if it can.
 * @param name its package
 * @param probe a command that succeeds where it is installed
 */
export function without (name: string, probe: readonly string[]): string | false {
  const [command = '', ...args] = probe
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0 ? false : `${name} is not installed`
}

/** Why a library of Go cannot be had: its sources are what Debian packages. */
export function withoutGo (debianPackage: string, importPath: string): string | false {
  return without('golang-go', ['go', 'version']) || (existsSync(`${GO_ENV.GOPATH}/src/${importPath}`) ? false : `${debianPackage} is not installed`)
}

/** Debian's packages of Go libraries are laid out for the time before modules. */
const GO_ENV = { GO111MODULE: 'off', GOPATH: '/usr/share/gocode' }

/** A directory of its own, gone when the test is over. */
export function makeHome (t: Test): string {
  const home = mkdtempSync(join(tmpdir(), 'interop-'))
  t.after(() => { rmSync(home, { recursive: true }) })
  return home
}

/** Starts a command with nothing of the user's: no settings of a tool, and no proxy for all requests. */
export function start (
  t: Test, home: string, command: string, args: readonly string[]
): ChildProcessWithoutNullStreams {
  const { PATH = '' } = process.env
  const child = spawn(command, args, { cwd: home, env: { PATH, HOME: home, LANG: 'C.UTF-8', HTTPIE_CONFIG_DIR: home, GOCACHE: goCache(), ...GO_ENV } })
  t.after(() => child.kill('SIGKILL'))
  return child
}

/** What was compiled before need not be compiled again. */
function goCache (): string {
  return process.env['GOCACHE'] ?? join(process.env['HOME'] ?? tmpdir(), '.cache/go-build')
}

/** Runs a command to its end. @throws Error with its stderr, where it does not exit with 0 */
export async function run (
  t: Test, home: string, command: string, args: readonly string[]
): Promise<{ stdout: string, stderr: string }> {
  const child = start(t, home, command, args)
  child.stdin.end()
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', chunk => { stdout += chunk })
  child.stderr.on('data', chunk => { stderr += chunk })
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', status => {
      if (status === 0) resolve()
      else reject(new Error(`${command} ${args.join(' ')}: ${status}\n${stdout}${stderr}`))
    })
  })
  return { stdout, stderr }
}
