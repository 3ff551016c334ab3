import t from 'tap'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startStandIn } from '../../src/demo/stand-in/index.ts'
import { login, makeStore, OWN } from '../helper/maascli-store.ts'
import { startCommand } from '../helper/process.ts'
import { copyTree } from '../helper/tree.ts'

const skip = process.platform !== 'linux' && 'single executables are made on Linux'

t.test('the single executable needs no Node, and does what the package does', { skip }, async t => {
  const dir = t.testdir({ home: {}, elsewhere: {} })
  const tree = join(dir, 'tree')
  const cwd = join(dir, 'elsewhere')
  const home = join(dir, 'home')
  copyTree(tree)
  execFileSync('npm', ['run', '--silent', 'build:binary', '--', process.arch], { cwd: tree, stdio: 'pipe' })
  const program = join(dir, 'maas-auth-proxy')
  const [line = ''] = /^sudo install dist\/\S+ \S+/m.exec(readFileSync(join(tree, 'README.md'), 'utf8')) ?? []
  execFileSync('sh', ['-c', line.replace('sudo ', '').replace('-x64', `-${process.arch}`).replace('/usr/local/bin', dir)], { cwd: tree })

  const beside = (ending: string) => readFileSync(join(tree, 'dist', `maas-auth-proxy-linux-${process.arch}.${ending}`), 'utf8')
  t.match(beside('LICENSES'), /^Node\.js [^]*\nfastify 5/m, 'the licences of Node and of all packages are beside it')
  t.match(JSON.parse(beside('cdx.json')).components.map(({ name }: { name: string }) => name).join(' '), /fastify [^]*\bnode [^]*openssl/, 'the SBOM too')

  const { version } = JSON.parse(readFileSync(join(tree, 'package.json'), 'utf8'))
  const maas = await startStandIn()
  t.after(() => maas.close())
  const { consumer, token, secret } = maas.admin
  const key = `${consumer}:${token}:${secret}`
  /** The command that runs it with these variables and no others. */
  const alone = (args: readonly string[], env: Record<string, string> = {}) => [
    'env', '-i', ...Object.entries(env).map(([name, value]) => `${name}=${value}`), program, ...args
  ]
  const own = { MAAS_URL: maas.url, MAAS_API_KEY: key }
  await makeStore(home, OWN, { lab: login() })
  const trap = 'process.stdout.write("loaded code of a stranger"); process.exit(99)'
  for (const name of ['index.js', 'main.cjs', 'cli.js']) writeFileSync(join(cwd, name), trap)
  for (const name of ['@sqlite.org/sqlite-wasm', '@opentelemetry/api', 'fastify']) {
    mkdirSync(join(cwd, 'node_modules', name), { recursive: true })
    writeFileSync(join(cwd, 'node_modules', name, 'index.js'), trap)
  }
  type Row = readonly [
    args: string[], env: Record<string, string>, status: number, stdout: RegExp, stderr: RegExp, reason: string
  ]
  const rows: readonly Row[] = [
    [['--version'], {}, 0, new RegExp(`^${version.replaceAll('.', '\\.')}\\b`), /^$/, 'the version, without any variable'],
    [['--version'], { NODE_OPTIONS: `--require=${cwd}/index.js` }, 0, /^\d/, /^$/, 'NODE_OPTIONS of a stranger have no effect'],
    [['--version'], { NODE_OPTIONS: '--no-such-flag' }, 0, /^\d/, /^$/, 'nor wrong ones'],
    [['--version'], { NODE_PATH: `${cwd}/node_modules` }, 0, /^\d/, /^$/, 'nor NODE_PATH'],
    [['--inspect', '--version'], {}, 2, /^$/, /--inspect/, 'a flag of Node is an unknown flag'],
    [['--require', './index.js'], {}, 2, /^$/, /--require/, 'also one that loads code'],
    [['--env-file', 'none'], {}, 2, /^$/, /--env-file: .*there is no such file/, '--env-file is that of the program'],
    [['policy', 'list'], {}, 0, /GET {5}machines\/\n/, /^$/, 'the catalogue is an asset'],
    [['policy', 'test', 'GET machines/abc?op=power_parameters'], {}, 1, /refused/, /^$/, 'the table of guarded operations is one'],
    [['config', 'schema'], {}, 0, /"\$schema"/, /^$/, 'the schema'],
    [['help', 'config'], {}, 0, /listeners:/, /^$/, 'the example of a configuration is an asset'],
    [['man'], {}, 0, /^\.TH /m, /^$/, 'the manual page'],
    [['completion', 'bash'], {}, 0, /complete /, /^$/, 'the completion'],
    [['check'], own, 0, /ok {4}user/, /^$/, 'a check of the way to MAAS'],
    [['run', '--', '/bin/sh', '-c', 'echo $MAAS_URL'], { ...own, TMPDIR: '/proc/none' }, 0, /^http:\/\/127\.0\.0\.1:\d+\/MAAS\n$/, /^$/, 'a command with a proxy of its own, without a folder for temporary files'],
    [['config', 'print', '--profile', 'lab'], { HOME: home }, 0, /MAAS is at http:\/\/maas\.example:5240\/MAAS/, /^$/, 'a profile, which SQLite reads'],
    [['config', 'print', '--profile', 'lab'], {}, 2, /^$/, /HOME is not set/, 'no HOME'],
    [[], { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }, 2, /^$/, /^maas-auth-proxy: warning: there are no traces, because the single executable has no OpenTelemetry: install the npm package\n/, 'OpenTelemetry is not in it']
  ]
  for (const [args, env, status, stdout, stderr, reason] of rows) {
    const ran = startCommand(t, alone(args, env), {}, cwd)
    t.equal(await ran.ended, status, reason)
    t.match([ran.stdout(), ran.stderr()], [stdout, stderr], reason)
  }

  const proxy = startCommand(t, alone(['--listen', '127.0.0.1:0'], own), {}, cwd)
  await proxy.printed('"listening"')
  const [, address] = /"address":"([^"]+)"/.exec(proxy.stdout()) ?? []
  t.match(await (await fetch(`${address}/MAAS/api/2.0/users/?op=whoami`)).json(), { username: 'admin' }, 'it signs')
  t.equal((await fetch(`${address}/MAAS/api/2.0/version/`)).status, 200, 'and knows what needs no signature')
  t.match(await (await fetch(`${address}/-/metrics`)).text(), /^maas_auth_proxy_build_info/m)
  t.match(readFileSync(`/proc/${proxy.child.pid}/cmdline`, 'utf8'), program, 'one process, without a shell or Node')
  proxy.child.kill('SIGTERM')
  t.equal(await proxy.ended, 0)

  const demo = startCommand(t, alone(['demo', '--listen', '127.0.0.1:0']), {}, cwd)
  await demo.printed('/MAAS')
  demo.child.kill('SIGINT')
  t.equal(await demo.ended, 0, 'the demo')
})
