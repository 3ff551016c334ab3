import t from 'tap'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { startCommand } from '../helper/process.ts'
import { copyTree } from '../helper/tree.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
const MAX_PACKAGES = 60
const MAX_BYTES = 30 * 1024 * 1024

const dir = t.testdir({ installed: { 'package.json': '{}' }, cache: {} })

/** A line of README that begins so, to be run as it is. */
function lineOf (begin: string): string {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const line = readme.split('\n').find(line => line.startsWith(begin))
  if (line === undefined) throw new Error(`README has no line ${begin}`)
  return line
}

/** A cache of npm with what this machine has fetched, and without what npx keeps: that would be found by its name. */
const npmCache = execFileSync('npm', ['config', 'get', 'cache'], { encoding: 'utf8' }).trim()
mkdirSync(join(npmCache, '_cacache'), { recursive: true })
symlinkSync(join(npmCache, '_cacache'), join(dir, 'cache/_cacache'))
// Without a terminal npx has nobody to ask whether it may install the package.
const env = { npm_config_yes: 'true', npm_config_cache: join(dir, 'cache'), npm_config_prefer_offline: 'true', MAAS_PROXY_LISTEN: '127.0.0.1:0' }

interface Test {
  after: (close: () => unknown) => void
  equal: (found: unknown, wanted: unknown, message: string) => unknown
}

/** Builds the package of a tree. @returns the path of the tarball */
async function pack (t: Test, tree: string, umask: string, more: Record<string, string>): Promise<string> {
  copyTree(tree)
  const script = `umask ${umask} && npm run --silent package`
  const packing = startCommand(t, ['sh', '-c', script], { ...env, ...more }, tree)
  if (await packing.ended !== 0) throw new Error(packing.stderr())
  return join(tree, `maas-auth-proxy-${version}.tgz`)
}

/** Waits for what a demo prints, and ends it. */
async function runDemo (t: Test, command: readonly string[], cwd: string): Promise<void> {
  const demo = startCommand(t, command, env, cwd, { detached: true })
  await demo.printed('More to try:')
  const [, address] = /"address":"([^"]+)"/.exec(demo.stderr() + demo.stdout()) ?? []
  t.equal((await fetch(`${address}/MAAS/api/2.0/machines/`)).status, 200, 'the proxy of the demo answers')
  process.kill(-Number(demo.child.pid), 'SIGTERM') // npx and what it started
  await demo.ended
}

t.test('the package is the same wherever and by whomever it is built, and npm and npx install it', async t => {
  const tarballs = await Promise.all([
    pack(t, join(dir, 'tree'), '022', { TZ: 'UTC', LC_ALL: 'C' }),
    pack(t, join(dir, 'deeper/other tree'), '077', { TZ: 'Asia/Tokyo', LC_ALL: 'C.UTF-8', SOURCE_DATE_EPOCH: '1000000000' })
  ])
  const [one = '', other = ''] = tarballs
  const digests = tarballs.map(path => createHash('sha256').update(readFileSync(path)).digest('hex'))
  t.equal(digests[0], digests[1], 'two builds in two places give the same bytes')
  t.ok(readFileSync(join(dir, 'tree/dist/bundle.cjs')).equals(readFileSync(join(dir, 'deeper/other tree/dist/bundle.cjs'))), 'the bundle too')

  const installed = join(dir, 'installed')
  const install = startCommand(t, ['npm', 'install', '--engine-strict', '--no-audit', '--no-fund', one], env, installed)
  t.equal(await install.ended, 0, `it installs where engines are checked: ${install.stderr()}`)
  const { packages } = JSON.parse(readFileSync(join(installed, 'package-lock.json'), 'utf8'))
  const names = Object.keys(packages).filter(path => path !== '')
  t.ok(names.length <= MAX_PACKAGES, `${names.length} packages, of ${MAX_PACKAGES}`)
  t.strictSame(names.filter(name => name.includes('@opentelemetry')), [], 'OpenTelemetry only for who wants it')
  const files = readdirSync(join(installed, 'node_modules'), { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  const bytes = files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
  t.ok(bytes <= MAX_BYTES, `${bytes} bytes, of ${MAX_BYTES}`)

  const sbom = JSON.parse(readFileSync(join(installed, 'node_modules/maas-auth-proxy/dist/sbom.cdx.json'), 'utf8'))
  const listed = sbom.components.map((component: { name: string, version: string }) => `${component.name} ${component.version}`)
  const licences = readFileSync(join(installed, 'node_modules/maas-auth-proxy/dist/LICENSES-OF-PACKAGES'), 'utf8')
  const bundled = [...licences.matchAll(/^(?:.*-{80}\n\n)?(\S+ \d+\.\d+\.\d\S*): \S/gm)].map(([, name = '']) => name)
  t.ok(bundled.length > 30, 'the licences of the bundle are there')
  t.strictSame(bundled.filter(name => !listed.includes(name)), [], 'the SBOM has every package of the bundle')
  t.ok(listed.some((name: string) => name.startsWith('@sqlite.org/sqlite-wasm ')), 'and the one beside it')
  t.ok(sbom.components.every(({ licenses }: { licenses?: unknown[] }) => licenses !== undefined), 'with its licence')

  const load = "import { maasAuthProxy } from 'maas-auth-proxy'; console.log(typeof maasAuthProxy)"
  const loaded = execFileSync(process.execPath, ['--input-type=module', '--eval', load], { cwd: installed, encoding: 'utf8' })
  t.equal(loaded, 'function\n', 'npm installs all that the library needs but its host, Fastify')

  for (const name of readdirSync(join(installed, 'node_modules'))) {
    if (!['.bin', '@sqlite.org', 'maas-auth-proxy'].includes(name)) rmSync(join(installed, 'node_modules', name), { recursive: true })
  }
  await runDemo(t, ['node_modules/.bin/maas-auth-proxy', 'demo'], installed)

  const empty = mkdtempSync(join(tmpdir(), 'map-')) // in none of ours, which npm would take for where to install
  t.after(() => rmSync(empty, { recursive: true }))
  cpSync(other, join(empty, basename(other)))
  await runDemo(t, ['sh', '-c', lineOf('npx --package ')], empty)
  const prefix = join(dir, 'prefix')
  const everywhere = { ...env, npm_config_prefix: prefix }
  const global = startCommand(t, ['sh', '-c', lineOf('npm install --global ')], everywhere, empty)
  t.equal(await global.ended, 0, `npm installs the command: ${global.stderr()}`)
  const printed = execFileSync(join(prefix, 'bin/maas-auth-proxy'), ['--version'], { encoding: 'utf8' })
  t.ok(printed.includes(version), printed)
  t.ok(existsSync(join(prefix, 'share/man/man1/maas-auth-proxy.1')), 'with its manual page')
})
