import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, delimiter, join } from 'node:path'
import type { Writable } from 'node:stream'
import { placeholderKey } from '../../../maas/placeholder-key.ts'

/** The words of the `maas` CLI that are no profile (`maascli/cli.py`, and the commands of the region). */
const WORDS = new Set([
  'login', 'logout', 'list', 'refresh', 'init', 'status', 'migrate', 'config', 'config-tls', 'config-vault', 'msm',
  'apikey', 'createadmin', 'changepassword', 'changepasswords', 'configauth', 'help'
])

/** The environment of a command, and what to do when it has ended. */
interface PreparedCommand {
  env: Record<string, string>
  cleanUp: () => void
}

/**
 * Makes a store of profiles for `maas PROFILE ...`. The profiles of the CLI hold the address of MAAS and a real key, so
 * with the user's own store the command would go past the proxy. The CLI looks for its store below HOME. The snap's
 * does not, so there a warning has the line to type.
 * @param env the environment that the command gets, with the address of the proxy and a key for it
 * @returns the environment to use; the same for any other command
 * @throws Error if the CLI cannot log in to the proxy
 */
export async function prepareMaasCli (
  [file = '', profile = '']: readonly string[], env: Record<string, string>, stderr: Writable
): Promise<PreparedCommand> {
  const unchanged = { env, cleanUp: () => {} }
  if (basename(file) !== 'maas' || profile === '' || profile.startsWith('-') || WORDS.has(profile)) return unchanged
  const found = findExecutable(file, env['PATH'] ?? '')
  if (found === undefined) return unchanged // the shell's exit code for it is the answer
  if (basename(realpathSync(found)) === 'snap') { // snaps are links to that program
    stderr.write('maas-auth-proxy: warning: the maas of the snap reads its own profiles and goes past the proxy; ' +
      `log in to a proxy that keeps running: maas login ${profile} http://localhost:5241/MAAS ${placeholderKey()}\n`)
    return unchanged
  }
  const home = mkdtempSync(join(tmpdir(), 'maas-auth-proxy-run-'))
  const prepared = { env: { ...env, HOME: home }, cleanUp: () => { rmSync(home, { recursive: true, force: true }) } }
  try {
    await logIn(file, profile, prepared.env)
    return prepared
  } catch (error) {
    prepared.cleanUp()
    throw error
  }
}

/** Logs in to the proxy, so that the CLI writes the store itself, in the form of its version. */
async function logIn (file: string, profile: string, env: Record<string, string>): Promise<void> {
  const args = ['login', profile, env['MAAS_URL'] as string, env['MAAS_API_KEY'] as string]
  const child = spawn(file, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => { said += chunk.toString() })
  const [code] = await once(child, 'close') as [number | null]
  if (code !== 0) {
    throw new Error(`run: ${file} login ${profile} fails at the proxy: ${said.trim() || `exit code ${code}`}`)
  }
}

/** Finds the file of a command, as shells do. */
function findExecutable (file: string, path: string): string | undefined {
  const candidates = file.includes('/') ? [file] : path.split(delimiter).map(dir => join(dir, file))
  return candidates.find(isExecutable)
}

function isExecutable (path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
