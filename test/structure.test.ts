import t from 'tap'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { COMMANDS } from '../src/cli.ts'
import { EXIT_STATUS } from '../src/commands/exit-status.ts'
import { manPage } from '../src/commands/man-page.ts'
import { usagesOf } from '../src/commands/usage.ts'
import { startStandIn } from '../src/demo/stand-in/index.ts'
import { ERRORS } from '../src/errors.ts'
import { metricsTable } from '../src/observe/metrics-table.ts'
import { Traffic } from '../src/observe/traffic.ts'
import { helpText } from '../src/settings/help.ts'
import { SETTINGS } from '../src/settings/table.ts'
import { optionalPackages } from '../src/version.ts'
import { login, makeStore, OWN } from './helper/maascli-store.ts'
import { startCommand } from './helper/process.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(resolve(ROOT, path), 'utf8')
const sources = readdirSync(resolve(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'))

/** The rooms from the top down; a file imports from its own room and those below it. */
const ROOMS = ['main.ts', 'code-cache.ts', 'program.ts', 'cli.ts', 'index.ts', 'commands', 'library', 'server.ts', 'guarded.ts', 'admin-server.ts', 'listener.ts', 'no-schemas.ts', 'socket-file.ts', 'demo', 'maas-side.ts', 'key-ring.ts', 'token-files.ts', 'forward', 'respond', 'admit', 'settings', 'observe', 'answer-over.ts', 'exchange.ts', 'fields.ts', 'policy', 'maas', 'errors.ts', 'file-watch.ts', 'remembered.ts', 'v8-flags.ts', 'version.ts', 'shipped.ts']

t.test('imports go downward only', async t => {
  for (const name of sources) {
    const [room = ''] = name.split('/')
    const level = ROOMS.indexOf(room)
    t.not(level, -1, `${room} has its place`)
    for (const [, target = ''] of read(`src/${name}`).matchAll(/from '(\.[^']+)'/g)) {
      const [targetRoom = ''] = relative('.', resolve('/', dirname(name), target).slice(1)).split('/')
      t.ok(ROOMS.indexOf(targetRoom) >= level, `${name} imports ${target}, which is not above it`)
    }
  }
})

t.test('the stand-in MAAS shares nothing with the proxy', async t => {
  for (const name of sources.filter(name => name.startsWith('demo/stand-in/'))) {
    const outside = [...read(`src/${name}`).matchAll(/from '([^']+)'/g)].map(([, target = '']) => target)
      .filter(target => target === 'oauth-1.0a' || (target.startsWith('.') && !resolve('/', dirname(name), target).startsWith('/demo/stand-in/')))
    t.strictSame(outside, [], name)
  }
})

t.test('a file is a page', async t => {
  for (const name of sources) t.ok(read(`src/${name}`).split('\n').length <= 200, name)
})

t.test('every file but main.ts does nothing when it is loaded', async t => {
  const files = sources.filter(name => name !== 'main.ts').map(name => resolve(ROOT, 'src', name))
  const args = ['--permission', '--allow-fs-read=*', '--disable-warning=ExperimentalWarning', resolve(ROOT, 'test/helper/load-each.ts'), ...files]
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env: {}, timeout: 60_000 })
  t.strictSame({ stdout, stderr }, { stdout: '{}', stderr: '' }, 'no timer, handle, listener or output')
  t.strictSame({ status, signal }, { status: 0, signal: null }, 'and nothing keeps the process alive')
  for (const file of files) await import(file) // so that tap counts what no other test loads
})

/** The rows of the table of README below a heading. */
function tableOf (heading: string): string[][] {
  const [, section = ''] = read('README.md').split(`\n## ${heading}\n`)
  const lines = (section.split('\n## ')[0] ?? '').split('\n').filter(line => line.startsWith('|')).slice(2)
  return lines.map(line => line.split('|').slice(1, -1).map(cell => cell.trim()))
}

t.test("README's settings are those of the program", async t => {
  const wanted = Object.values(SETTINGS).map(({ flag, env, default: text, help }) => [flag === null ? '' : `\`${flag}\``, `\`${env}\``, !text ? '' : text.startsWith('/') ? 'shipped' : `\`${text}\``, help])
  t.strictSame(tableOf('Settings'), wanted)
})

t.test('README, help and the manual page say the same of commands and exit codes', async t => {
  const usages = Object.entries(COMMANDS).map(([name, command]) => ({ usages: usagesOf(name, command), help: command.help }))
  t.strictSame(tableOf('Commands'), usages.map(({ usages, help }) => [usages.map(usage => `\`${usage}\``).join(', '), help]))
  t.strictSame(tableOf('Exit codes'), EXIT_STATUS)
  const help = helpText(usages, EXIT_STATUS)
  const page = manPage(COMMANDS, '1.2.3').replaceAll('\\-', '-').replaceAll('\\(dq', '"').replaceAll('\\(aq', "'")
  for (const { usages: lines, help: text } of usages) {
    t.ok(help.includes(`${lines.map(line => `  ${line}\n`).join('')}      ${text}\n`), text)
    for (const line of lines) t.ok(page.includes(`.B maas-auth-proxy\n${line}\n`), line)
    t.ok(page.includes(`\n${text}\n`), text)
  }
  for (const [code, meaning] of EXIT_STATUS) {
    t.ok(help.includes(`  ${code}\n      ${meaning}\n`), code)
    t.ok(page.includes(`.B ${code}\n${meaning}\n`), code)
  }
  for (const { env, help: text } of Object.values(SETTINGS)) t.match(page, new RegExp(`\\.B ${env}\n`), text)
  for (const [code, { status, message, remedy }] of Object.entries(ERRORS)) t.ok(page.includes(`.B ${code} (${status})\n${message}: ${remedy}\n`), code)
  t.strictSame(page.split('\n').filter(line => /^[.']/.test(line) && !/^\.(?:TH|SH|TP|B|br)(?: |$)/.test(line)), [], 'no line of text is taken for a request')
})

t.test('the manual page is clean to those who print it', async t => {
  const path = resolve(t.testdir({ 'page.1': manPage(COMMANDS, '1.2.3') }), 'page.1')
  const readers: Array<[command: string, args: string[]]> = [
    ['man', ['--warnings', '--local-file', '--encoding=UTF-8', path]],
    ['groff', ['-ww', '-man', '-Tutf8', path]],
    ['mandoc', ['-T', 'lint', '-W', 'warning', path]]
  ]
  for (const [command, args] of readers) {
    const { error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
    if (error !== undefined) t.comment(`skipped: there is no ${command} here`)
    // A date would make every build another page.
    else t.equal(command === 'mandoc' ? stdout.replace(/^.*WARNING: missing date.*\n/, '') : stderr, '', command)
  }
})

t.test("README's example of several listeners is the shipped one", async t => {
  const [, example = ''] = /```yaml\n(maas-url: [^]*?)```/.exec(read('README.md')) ?? []
  t.strictSame(parse(example), parse(read('config/example.yaml')))
})

t.test("README's errors are those of the program", async t => {
  t.strictSame(tableOf('Errors'), Object.entries(ERRORS).map(([code, { status, message, remedy }]) => [`\`${code}\``, String(status), message, remedy]))
})

t.test("README's metrics are those of the program", async t => {
  const sources = { version: '', clock: { offsetSeconds: 0 }, keys: [], upstream: { stats: { connected: 0, free: 0, running: 0, size: 0 } }, clientConnections: () => [] }
  const rows = metricsTable(new Traffic(), sources).map(({ name, type, labels, help }) => [`\`${name}\``, type, labels.map(label => `\`${label}\``).join(', '), help])
  t.strictSame(tableOf('Watch it'), rows)
})

t.test("README's table of access says of each row of the shipped one how it is sent", async t => {
  const table = tableOf('Anonymous or signed')
  const rows: Array<{ method: string, path: string, op: string | null, kind: string }> = JSON.parse(read('config/anonymous-operations.json'))
  for (const { method, path, op, kind } of rows) {
    const name = path.replace('/MAAS/api/2.0/', '')
    const [, , access] = table.find(([operations = '']) => operations.includes(method) && operations.includes(op ?? `${name}\``) && (op !== null || !operations.includes(`${name}?op`) || operations.includes(`${name}\``))) ?? []
    t.equal(access, kind === 'dual' ? 'signed' : 'anonymous', `${method} ${name} ${op}`)
  }
})

t.test('what traces need is optional, and README has the line that installs it', async t => {
  const { peerDependencies, peerDependenciesMeta, dependencies } = JSON.parse(read('package.json'))
  const names = Object.keys(peerDependencies)
  const imports = sources.flatMap(name => [...read(`src/${name}`).matchAll(/from '(@opentelemetry\/[^'/]+)'/g)])
  t.strictSame(new Set(imports.map(([, target]) => target)), new Set(names), 'what is imported, and nothing else')
  for (const name of names) t.ok(peerDependenciesMeta[name].optional === true && !(name in dependencies), name)
  const [, line = ''] = /```sh\n(npm install @opentelemetry[^]*?)\n```/.exec(read('README.md')) ?? []
  const wanted = names.map(name => `${name}@${peerDependencies[name]}`)
  t.strictSame(line.replaceAll(/ \\\n */g, ' ').split(' '), ['npm', 'install', ...wanted])
  t.strictSame(optionalPackages(), wanted, 'and so has the warning')
})

t.test('the proxies that the benchmark compares with have a package.json of their own', async t => {
  const { dependencies: peers, ...manifest } = JSON.parse(read('test/bench/package.json'))
  const { dependencies, devDependencies } = JSON.parse(read('package.json'))
  t.equal(manifest.private, true)
  const shared = Object.keys(peers).filter(name => name in dependencies || name in devDependencies)
  t.strictSame(shared, [], 'and are none of the proxy')
  t.strictSame(JSON.parse(read('test/bench/package-lock.json')).packages[''].dependencies, peers, 'with a lockfile')
  for (const name of Object.keys(peers)) t.ok(read('test/bench/peers.mjs').includes(`'${name}'`), name)
  t.match(read('README.md'), /`npm ci --prefix test\/bench`/)
})

const noProc = process.platform !== 'linux' && 'the benchmark reads /proc'

t.test('the benchmark says how to install what it leaves out', { skip: noProc }, async t => {
  const peers = `[
    { name: 'this build' },
    { name: 'a', debian: 'a-light', isThere: () => false },
    { name: 'b', debian: 'b', isThere: () => true },
    { name: 'c', debian: 'c', isThere: () => false },
    { name: 'd', isThere: () => false }
  ]`
  const program = `
    import { missing } from ${JSON.stringify(resolve(ROOT, 'test/bench/peers.mjs'))}
    console.log(missing(${peers}).join('\\n'))
    console.log(missing([]))`
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' })
  t.equal(said, `left out: a, c; to install: apt-get install a-light c
left out: d; to install: npm ci --prefix test/bench
[]
`)
})

t.test('README has two lines to set up with, and they are what CI runs', async t => {
  t.match(read('README.md'), /```sh\nnpm ci && npm run demo\n```[^]*```sh\nnpm test\n```/)
  t.match(read('.ci/run'), /npm ci\n[^]*npm test/)
  t.match(read('README.md'), /`npm run package`/, 'and the line that makes the package')
})

t.test('the top level holds what was agreed, and what tools need there', async t => {
  const tracked = execFileSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' }).trim().split('\n').map(path => path.split('/')[0])
  t.strictSame([...new Set(tracked)].sort(), ['.ci', '.dockerignore', '.gitignore', '.npmrc', 'Dockerfile', 'LICENSE', 'README.md', 'config', 'package-lock.json', 'package.json', 'src', 'test', 'tsconfig.json'])
})

t.test('the image runs what the package ships, as nobody', async t => {
  const instructions = read('Dockerfile').split('\n').filter(line => line !== '' && !line.startsWith('#'))
  for (const [, from, path] of instructions.map(line => /^COPY (--from=\S+ )?(.+) \S+$/.exec(line) ?? []).filter(match => match.length > 0)) {
    if (from === undefined) for (const source of path?.split(' ') ?? []) t.ok(existsSync(resolve(ROOT, source)), `${source} is there to be copied`)
  }
  t.ok(instructions.filter(line => line.startsWith('FROM')).every(line => /:\S*\d|nodejs20/.test(line)), 'every base has a version')
  t.match(instructions.at(-2), /^USER [1-9]\d*:[1-9]\d*$/, 'a numeric user that is not root')
  t.match(instructions.at(-1), /^ENTRYPOINT \[.*"--", "dist\/main\.js"\]$/, 'the exec form')
  t.strictSame(read('.dockerignore').trim().split('\n').filter(line => line.startsWith('!')).map(line => line.slice(1)).filter(path => !existsSync(resolve(ROOT, path))), [], 'what the build needs is let in')
})

const WARNING = 'maas-auth-proxy: warning: '

/** What the program reads there, and what users copy. */
const SHIPPED_CONFIG = [
  'anonymous-operations.json', 'compose.yaml', 'config.schema.json', 'credential-operations.json', 'effectful-reads.json', 'example.env',
  'example.yaml', 'grafana-dashboard.json', 'kubernetes/base/deployment.yaml', 'kubernetes/base/kustomization.yaml', 'kubernetes/base/networkpolicy.yaml', 'kubernetes/base/poddisruptionbudget.yaml', 'kubernetes/base/service.yaml',
  'kubernetes/job/job.yaml', 'kubernetes/job/kustomization.yaml', 'kubernetes/sidecar/deployment.yaml', 'kubernetes/sidecar/kustomization.yaml', 'operations.json', 'prometheus-alerts.yaml', 'systemd/maas-auth-proxy.service',
  'systemd/maas-auth-proxy.socket'
]

t.test('the package works where it is unpacked', async t => {
  const dir = t.testdir({
    tree: {},
    unpacked: {},
    consumer: { node_modules: {}, 'package.json': '{"type": "module"}', 'tsconfig.json': JSON.stringify({ compilerOptions: { target: 'es2023', module: 'nodenext', strict: true, exactOptionalPropertyTypes: true, noPropertyAccessFromIndexSignature: true, types: ['node'], outDir: 'out' } }) }
  })
  const tree = resolve(dir, 'tree')
  const call = (command: string, args: string[], cwd = tree) => execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  for (const name of ['package.json', 'package-lock.json', '.npmrc', 'tsconfig.json', 'README.md', 'LICENSE', 'config', 'src']) cpSync(resolve(ROOT, name), resolve(tree, name), { recursive: true })
  symlinkSync(resolve(ROOT, 'node_modules'), resolve(tree, 'node_modules'))
  const packed = call('npm', ['run', 'package', '--silent', '--', '--json'])
  const [{ filename, files }] = JSON.parse(packed.slice(packed.indexOf('[')))
  const shipped = ['LICENSE', 'README.md', 'package.json', ...SHIPPED_CONFIG.map(name => `config/${name}`), 'dist/maas-auth-proxy.1', 'dist/LICENSES-OF-PACKAGES', 'dist/bundle.cjs', ...sources.flatMap(name => ['.js', '.d.ts'].map(ending => `dist/${name.replace(/\.ts$/, ending)}`))]
  const held: string[] = files.map(({ path }: { path: string }) => path)
  t.strictSame(held.sort(), shipped.sort(), 'what it needs and nothing else: the bundle, a module and its types for each source, no maps and no code cache, which is of use to one node')
  const isCached = "import { loadScript } from './dist/code-cache.js'; import { setV8Flags } from './dist/v8-flags.js'; setV8Flags(); console.log(loadScript(new URL('dist/bundle.cjs', import.meta.url)).cached)"
  writeFileSync(resolve(tree, 'is-cached.mjs'), isCached)
  t.equal(call(process.execPath, ['is-cached.mjs']), 'true\n', 'this node takes the code cache that it has made')
  call('tar', ['-xzf', filename, '-C', resolve(dir, 'unpacked')])
  symlinkSync(resolve(ROOT, 'node_modules'), resolve(dir, 'unpacked/package/node_modules'))
  const { version, bin, man } = JSON.parse(read('package.json'))
  const program = resolve(dir, 'unpacked/package', bin['maas-auth-proxy'])
  chmodSync(program, 0o755) // as npm does when it installs it
  t.equal(call(program, ['--version']), `${version}\n`)
  t.ok(Array.isArray(man), 'a text alone is not linked by npm')
  t.equal(readFileSync(resolve(dir, 'unpacked/package', man[0]), 'utf8'), manPage(COMMANDS, version), 'with the manual page of this version')
  t.equal(call('npm', ['exec', '--offline', '--', '.', '--version']).trim(), version, 'and npx . runs it where it was built')
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
  const example = startCommand(t, [process.execPath, resolve(consumer, 'out/example.js')], { NODE_OPTIONS: '', PORT: '0', MAAS_URL: maas.url, MAAS_API_KEY: `${key}:${token}:${secret}` })
  await example.printed('listening at')
  const [, address] = /listening at (http:[^"]+)/.exec(example.stdout()) ?? []
  t.equal((await fetch(`${address}/MAAS/api/2.0/machines/`)).status, 200, 'the example of README runs')
  t.match(await (await fetch(`${address}/MAAS/api/2.0/tags/`)).json(), { error: { code: 'MAAS_PROXY_RULE_REFUSED' } })
  t.equal(await (await fetch(`${address}/`)).text(), 'a page of my own')
})

t.test("README's example of the library is the one that runs", async t => {
  t.ok(read('README.md').includes(`\`\`\`ts\n${read('test/library/example.ts')}\`\`\`\n`))
})
