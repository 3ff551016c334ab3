import t from 'tap'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { transform } from 'esbuild'
import { COMMANDS } from '../../src/cli/cli.ts'
import { manPage } from '../../src/cli/commands/man-page.ts'
import { startStandIn } from '../../src/demo/stand-in/index.ts'
import { optionalPackages } from '../../src/package.ts'
import { login, makeStore, OWN } from '../helper/maascli-store.ts'
import { startCommand } from '../helper/process.ts'
import { copyTree } from '../helper/tree.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFileSync(resolve(ROOT, path), 'utf8')
const sources = readdirSync(resolve(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'))

const WARNING = 'maas-auth-proxy: warning: '

/** What the program reads there, and what users copy. */
const SHIPPED_CONFIG = [
  'anonymous-operations.json', 'compose.yaml', 'config.schema.json', 'credential-operations.json', 'dangerous-operations.json', 'effectful-reads.json', 'example.env',
  'example.yaml', 'form-operations.json', 'grafana-dashboard.json', 'kubernetes/base/deployment.yaml', 'kubernetes/base/kustomization.yaml', 'kubernetes/base/networkpolicy.yaml', 'kubernetes/base/poddisruptionbudget.yaml', 'kubernetes/base/service.yaml',
  'kubernetes/job/job.yaml', 'kubernetes/job/kustomization.yaml', 'kubernetes/sidecar/deployment.yaml', 'kubernetes/sidecar/kustomization.yaml', 'kubernetes/workloads/job.yaml', 'kubernetes/workloads/kustomization.yaml', 'operations.json', 'prometheus-alerts.yaml', 'systemd/maas-auth-proxy.service',
  'systemd/maas-auth-proxy.socket'
]

/** What makes the program crash where it asks for a variable, loaded before it. */
const CRASHING = `data:text/javascript,const env = new Proxy(process.env, {
  get (env, name) { if (name === 'OTEL_SDK_DISABLED') throw new Error('crash'); return env[name] }
}); Object.defineProperty(process, 'env', { value: env })`

t.test('the package works where it is unpacked', async t => {
  const dir = t.testdir({
    unpacked: {},
    consumer: { node_modules: {}, 'package.json': '{"type": "module"}', 'tsconfig.json': JSON.stringify({ compilerOptions: { target: 'es2024', module: 'nodenext', strict: true, exactOptionalPropertyTypes: true, noPropertyAccessFromIndexSignature: true, types: ['node'], outDir: 'out' } }) }
  })
  const tree = resolve(dir, 'tree')
  const call = (command: string, args: string[], cwd = tree) => execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  copyTree(tree)
  const packed = call('npm', ['run', 'package', '--silent', '--', '--json'])
  const [{ filename, files }] = JSON.parse(packed.slice(packed.indexOf('[')))
  const shipped = ['LICENSE', 'README.md', 'package.json', ...SHIPPED_CONFIG.map(name => `config/${name}`), 'dist/maas-auth-proxy.1', 'dist/LICENSES-OF-PACKAGES', 'dist/sbom.cdx.json', 'dist/commit', 'dist/bundle.cjs', 'dist/bundle.cjs.map', 'dist/cli/process.js', ...sources.filter(name => !/^(?:cli|demo)\//.test(name)).flatMap(name => ['.js', '.d.ts'].map(ending => `dist/${name.replace(/\.ts$/, ending)}`))]
  const held: string[] = files.map(({ path }: { path: string }) => path)
  t.strictSame(held.sort(), shipped.sort(), 'what it needs and nothing else: the bundle, a module and its types for each source of the library, no map but that of the bundle, and no code cache, which is of use to one node')
  const isCached = "import { loadScript } from './dist/performance/code-cache.js'; import { setV8Flags } from './dist/performance/v8-flags.js'; setV8Flags(); console.log(loadScript(new URL('dist/bundle.cjs', import.meta.url)).cached)"
  writeFileSync(resolve(tree, 'is-cached.mjs'), isCached)
  t.equal(call(process.execPath, ['is-cached.mjs']), 'true\n', 'this node takes the code cache that it has made')
  call('tar', ['-xzf', filename, '-C', resolve(dir, 'unpacked')])
  symlinkSync(resolve(ROOT, 'node_modules'), resolve(dir, 'unpacked/package/node_modules'))
  const { version, bin, man } = JSON.parse(read('package.json'))
  const program = resolve(dir, 'unpacked/package', bin['maas-auth-proxy'])
  chmodSync(program, 0o755) // as npm does when it installs it
  t.equal(call(program, ['--version']), `${version} (commit unknown, Node ${process.versions.node})\n`)
  const main = readFileSync(program, 'utf8')
  const [lowered, kept] = [await transform(main, { target: 'node14' }), await transform(main, { target: 'esnext' })]
  t.strictSame([lowered.code, lowered.warnings], [kept.code, []], 'every Node from 14 on can read its first file')
  t.notMatch(main, /\bfrom ['"]|\bimport ['"]/, 'which loads nothing by itself')
  const { stderr: crash } = spawnSync(process.execPath, ['--import', CRASHING, '--', program], { encoding: 'utf8' })
  const [, file = '', line] = /^ +at wantsTracing \((src\/\S+\.ts):(\d+):\d+\)$/m.exec(crash) ?? []
  t.match(read(file).split('\n')[Number(line) - 1], 'OTEL_SDK_DISABLED', `a stack names lines of the sources: ${crash}`)
  t.ok(Array.isArray(man), 'a text alone is not linked by npm')
  t.equal(readFileSync(resolve(dir, 'unpacked/package', man[0]), 'utf8'), manPage(COMMANDS, version), 'with the manual page of this version')
  t.equal(call('npm', ['exec', '--offline', '--', '.', '--version']).split(' ')[0], version, 'and npx . runs it where it was built')
  const missing = spawnSync(program, ['--env-file', resolve(dir, 'none')], { encoding: 'utf8', cwd: dir })
  t.equal(missing.status, 2, 'node leaves --env-file to it')
  t.match(missing.stderr, /^maas-auth-proxy: error: --env-file: .*there is no such file/)

  const bare = mkdtempSync(join(tmpdir(), 'map-')) // beyond the reach of any package
  t.after(() => rmSync(bare, { recursive: true }))
  cpSync(resolve(dir, 'unpacked/package'), bare, { recursive: true, filter: path => !path.endsWith('node_modules') })
  const traced = spawnSync(resolve(bare, bin['maas-auth-proxy']), { encoding: 'utf8', cwd: bare, env: { PATH: process.env['PATH'], OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' } })
  const [warning = '', next] = traced.stderr.split('\n')
  const install = `npm install ${optionalPackages().join(' ')}`
  t.equal(warning, `${WARNING}there are no traces, because packages of OpenTelemetry are missing: ${install}`)
  t.match(next, /^maas-auth-proxy: error: MAAS_URL/, 'and it goes on')
  const untraced = startCommand(t, [resolve(bare, bin['maas-auth-proxy']), '--listen', '127.0.0.1:0'], { MAAS_URL: 'http://127.0.0.1:1/MAAS', MAAS_API_KEY: 'c:t:s' }, bare)
  await untraced.printed('"listening"')
  const scraped = await fetch(`${/"address":"([^"]+)"/.exec(untraced.stdout())?.[1]}/-/metrics`)
  t.match(await scraped.text(), /^process_cpu_seconds_total /m, 'as do the metrics')

  writeFileSync(resolve(dir, 'key'), 'c:t:s')
  const printed = call(program, ['config', 'print', '--maas-url', 'http://localhost:5240/MAAS', '--api-key-file', resolve(dir, 'key')])
  writeFileSync(resolve(dir, 'proxy.yaml'), printed)
  t.match(call(program, ['policy', 'test', 'GET machines/', '--config', resolve(dir, 'proxy.yaml')]), /allowed: GET machines/, 'what is loaded only when it is used can be loaded')
  await makeStore(dir, OWN, { lab: login() })
  t.match(execFileSync(program, ['config', 'print', '--profile', 'lab'], { cwd: dir, encoding: 'utf8', env: { ...process.env, HOME: dir } }), /MAAS is at http:\/\/maas\.example:5240\/MAAS/, 'and SQLite, which stays a package of its own')
  const started = startCommand(t, [program, '--listen', '127.0.0.1:0', '--maas-url', 'http://127.0.0.1:1/MAAS', '--api-key-file', resolve(dir, 'key')], {}, dir)
  await started.printed('"listening"')
  const metrics = await fetch(`${/"address":"([^"]+)"/.exec(started.stdout())?.[1]}/-/metrics`)
  t.match(await metrics.text(), /^maas_auth_proxy_build_info/m, 'as for metrics')

  const consumer = resolve(dir, 'consumer')
  for (const name of ['fastify', '@types']) symlinkSync(resolve(ROOT, 'node_modules', name), resolve(consumer, 'node_modules', name))
  symlinkSync(resolve(dir, 'unpacked/package'), resolve(consumer, 'node_modules/maas-auth-proxy'))
  const itsOwn = '\n// @ts-expect-error -- what it decorates is in its own scope\napp.refuseNewRequests()\n'
  writeFileSync(resolve(consumer, 'types.ts'), read('test/library/types.ts') + itsOwn)
  writeFileSync(resolve(consumer, 'example.ts'), read('test/library/example.ts'))
  const checked = spawnSync(process.execPath, [resolve(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.'], { cwd: consumer, encoding: 'utf8' })
  t.match(checked, { stdout: '', status: 0 }, 'its types are there, and say what those of the sources say')

  const maas = await startStandIn()
  t.after(() => maas.close())
  const { consumer: key, token, secret } = maas.admin
  const example = startCommand(t, [process.execPath, resolve(consumer, 'out/example.js')], { PORT: '0', MAAS_URL: maas.url, MAAS_API_KEY: `${key}:${token}:${secret}` })
  await example.printed('listening at')
  const [, address] = /listening at (http:[^"]+)/.exec(example.stdout()) ?? []
  t.equal((await fetch(`${address}/MAAS/api/2.0/machines/`)).status, 200, 'the example of README runs')
  t.match(await (await fetch(`${address}/MAAS/api/2.0/tags/`)).json(), { error: { code: 'MAAS_PROXY_RULE_REFUSED' } })
  t.equal(await (await fetch(`${address}/`)).text(), 'a page of my own')
})
