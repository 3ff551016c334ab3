import t from 'tap'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { whyNoMachines } from '../helper/machines.ts'
import { PROGRAM, startCommand, WITHOUT_LOADER } from '../helper/process.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SECONDS = 20
const [, program] = PROGRAM

t.test('the program bears load and faults for some seconds', { skip: process.platform !== 'linux' && 'memory and descriptors are read from /proc, which only Linux has', timeout: 240_000 }, async t => {
  const args = ['--seconds', String(SECONDS), '--connections', '300', '--busy', '40', '--program', program]
  const soak = startCommand(t, ['env', ...WITHOUT_LOADER, process.execPath, resolve(ROOT, 'test/soak/run.mjs'), ...args], {}, ROOT)
  t.after(async () => { soak.child.kill(); await soak.ended }) // by SIGTERM, so that it ends what it started
  const code = await soak.ended
  const output = soak.stdout() + soak.stderr()
  t.equal(code, 0, 'nothing happened that must not', { output })
  const count = (name: string) => Number(new RegExp(`^ {2}${name} +(\\d+)`, 'm').exec(output)?.[1] ?? 0)
  // That each kind of request was made is seen to by the soak itself.
  const silent = whyNoMachines() === null ? [['connections lost without a word', 1]] as const : []
  for (const [name, least] of [...silent, ['answered', 200], ['left', 5], ['answered, done once', 50], ['MAAS_PROXY_UPSTREAM_REFUSED', 1], ['upstream killed', SECONDS / 3], ['key changed', SECONDS / 4], ['SIGHUP', SECONDS / 4], ['log not read', 1], ['CA changed', 1], ['idle connections', 300]] as const) {
    t.ok(count(name) >= least, `${name}: ${count(name)}, at least ${least}`)
  }
})
