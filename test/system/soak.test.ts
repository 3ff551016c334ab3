import t from 'tap'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { whyNoMachines } from '../helper/machines.ts'
import { ENVIRONMENT, PROGRAM } from '../helper/process.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SECONDS = 20
const [, program] = PROGRAM

t.test('the program bears load and faults for some seconds', { skip: process.platform !== 'linux' && 'memory and descriptors are read from /proc, which only Linux has', timeout: 240_000 }, async t => {
  const { code, output } = await run(process.execPath, [resolve(ROOT, 'test/soak/run.mjs'), '--seconds', String(SECONDS), '--connections', '300', '--busy', '40', '--program', program], ROOT)
  t.equal(code, 0, 'nothing happened that must not', { output })
  const count = (name: string) => Number(new RegExp(`^ {2}${name} +(\\d+)`, 'm').exec(output)?.[1] ?? 0)
  // That each kind of request was made is seen to by the soak itself.
  const silent = whyNoMachines() === null ? [['connections lost without a word', 1]] as const : []
  for (const [name, least] of [...silent, ['answered', 200], ['left', 5], ['answered, done once', 50], ['MAAS_PROXY_UPSTREAM_REFUSED', 1], ['upstream killed', SECONDS / 3], ['key changed', SECONDS / 4], ['SIGHUP', SECONDS / 4], ['log not read', 1], ['CA changed', 1], ['idle connections', 300]] as const) {
    t.ok(count(name) >= least, `${name}: ${count(name)}, at least ${least}`)
  }
})

async function run (command: string, args: string[], cwd: string): Promise<{ code: number | null, output: string }> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: { ...ENVIRONMENT, NODE_OPTIONS: '', NODE_V8_COVERAGE: '' } })
  t.after(() => child.kill())
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code, output: stdout + stderr }
}
