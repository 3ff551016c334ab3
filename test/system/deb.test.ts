import t from 'tap'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { startStandIn } from '../../src/demo/stand-in/index.ts'
import { BARE, changedPackage, COMMIT, copyRoot, prepare, SOURCE_DATE_EPOCH, whyNoDebian } from '../helper/debian.ts'
import { ENVIRONMENT, startCommand, WITHOUT_LOADER } from '../helper/process.ts'

const skip = whyNoDebian()
const noLintian = spawnSync('lintian', ['--version']).status !== 0 && 'there is no lintian'
const ARCHITECTURE = process.arch === 'x64' ? 'amd64' : process.arch
const UNITS = ['maas-auth-proxy.service', 'maas-auth-proxy.socket'] as const

/** The newest version of a library that an executable is linked to; it has the names of all of them. */
function newestOf (executable: string, library: string): string | undefined {
  const versions = [...executable.matchAll(new RegExp(`\\0${library}_([\\d.]+)(?=\\0)`, 'g'))].map(([, version = '']) => version)
  return versions.sort((one, other) => one.localeCompare(other, 'en', { numeric: true })).at(-1)
}

t.jobs = 2 // both of these take half a minute in other processes

t.test('lintian finds no error in the Debian package', { skip: skip || noLintian, buffered: true }, async t => {
  const lint = startCommand(t, ['lintian', '--allow-root', '--fail-on', 'error,warning', prepare().deb])
  t.equal(await lint.ended, 0)
  t.equal(lint.stdout(), '', 'nor anything else that is not explained')
})

t.test('the Debian package has the same bytes when it is built again', { skip, buffered: true }, async t => {
  const { tree, deb } = prepare()
  const dir = t.testdir({ deeper: {} })
  const other = join(dir, 'deeper/other tree')
  execFileSync('cp', ['--archive', tree, other])
  const env = { SOURCE_DATE_EPOCH, TZ: 'Asia/Tokyo', LC_ALL: 'C.UTF-8' }
  const build = startCommand(t, ['env', ...WITHOUT_LOADER, 'sh', '-c', `umask 077 && exec "$0" config/deb/build.mjs ${process.arch}`, process.execPath], env, other)
  t.equal(await build.ended, 0, 'it is built elsewhere, by somebody else')
  for (const path of [deb, join(tree, 'dist', `maas-auth-proxy-linux-${process.arch}`)]) {
    t.ok(readFileSync(join(other, relative(tree, path))).equals(readFileSync(path)), basename(path))
  }
})

t.test('the Debian package is installed, runs, is upgraded and purged where there is no Node', { skip }, async t => {
  const prepared = prepare()
  const root = copyRoot(t, prepared)
  const inRoot = (...command: readonly string[]) => spawnSync('chroot', [root, ...command], { encoding: 'utf8', env: BARE })
  const start = (...command: readonly string[]) => startCommand(t, ['env', '-i', `PATH=${BARE.PATH}`, 'chroot', root, ...command])
  const install = (deb: string) => {
    execFileSync('cp', [deb, join(root, 'root/package.deb')])
    return inRoot('dpkg', '--install', '/root/package.deb')
  }
  /** All paths of the root but those that belong to dpkg's own books. */
  const paths = () => readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter(path => !/^(?:var\/lib\/dpkg|var\/lib\/apt|var\/log|var\/cache|run|dev|root\/)/.test(path)).sort()
  t.not(inRoot('node', '--version').status, 0, 'there is no Node')
  const before = paths()

  const [line = ''] = /^sudo apt install \S+/m.exec(readFileSync(join(prepared.tree, 'README.md'), 'utf8')) ?? []
  cpSync(prepared.deb, join(root, 'root/dist', basename(prepared.deb)))
  const installed = inRoot('sh', '-c', `cd /root && ${line.replace('sudo ', '').replace('_amd64', `_${ARCHITECTURE}`)}`)
  t.match(installed, { status: 0, stdout: /Setting up maas-auth-proxy/ }, 'it is installed as README says')
  t.match(inRoot('systemctl', 'is-enabled', ...UNITS).stdout, /^disabled\ndisabled\n$/, 'nothing is enabled before it is configured')
  const modes = Object.fromEntries(['etc/maas-auth-proxy', 'etc/maas-auth-proxy/env', 'usr/bin/maas-auth-proxy'].map(path => [path, (statSync(join(root, path)).mode & 0o7777).toString(8)]))
  t.strictSame(modes, { 'etc/maas-auth-proxy': '750', 'etc/maas-auth-proxy/env': '640', 'usr/bin/maas-auth-proxy': '755' })
  t.match(inRoot('systemd-analyze', 'verify', '--man=no', ...UNITS), { status: 0, stderr: '', stdout: '' }, 'systemd takes the units, and finds the program')
  t.match(inRoot('bash', '-c', 'source /usr/share/bash-completion/completions/maas-auth-proxy && complete -p maas-auth-proxy').stdout, 'maas-auth-proxy')
  const doc = (name: string) => readFileSync(join(root, 'usr/share/doc/maas-auth-proxy', name), 'utf8')
  for (const text of ['Node.js is licensed for use as follows', 'fastify 5', 'oauth-1.0a 2', '/usr/share/common-licenses/Apache-2.0']) t.ok(doc('copyright').includes(text), `copyright: ${text}`)
  const components = JSON.parse(doc('sbom.cdx.json')).components.map(({ name }: { name: string }) => name)
  for (const name of ['node', 'openssl', 'fastify']) t.ok(components.includes(name), `SBOM: ${name}`)

  const maas = await startStandIn()
  t.after(() => maas.close())
  const { version } = JSON.parse(readFileSync(join(prepared.tree, 'package.json'), 'utf8'))
  t.match(inRoot('maas-auth-proxy', '--version'), { status: 0, stdout: `${version} (commit ${COMMIT}, Node ${process.versions.node})\n`, stderr: '' })
  const demo = start('maas-auth-proxy', 'demo', '--listen', '127.0.0.1:0')
  await demo.printed('More to try:')
  demo.child.kill('SIGTERM')
  t.equal(await demo.ended, 0, 'the demo')

  // As an administrator configures it: by what the comments of the file say.
  const env = join(root, 'etc/maas-auth-proxy/env')
  const edited = readFileSync(env, 'utf8').replace(/^#(MAAS_URL=).*$/m, `$1${maas.url}`).replace(/^#(MAAS_PROXY_ALLOW=)/m, '$1').replace(/^#(MAAS_PROXY_LISTEN=).*$/m, '$1127.0.0.1:0')
  writeFileSync(env, edited)
  const { consumer, token, secret } = maas.admin
  writeFileSync(join(root, 'etc/maas-auth-proxy/api-key'), `${consumer}:${token}:${secret}\n`, { mode: 0o600 })
  const settings = [...edited.matchAll(/^[A-Z_]+=.*$/gm)].map(([line]) => line)
  const unit = readFileSync(join(root, 'usr/lib/systemd/system/maas-auth-proxy.service'), 'utf8')
  const [, program = ''] = /^ExecStart=(.*)$/m.exec(unit) ?? []
  t.equal(program, '/usr/bin/maas-auth-proxy')
  const key = 'MAAS_API_KEY_FILE=/etc/maas-auth-proxy/api-key'
  const check = start('env', ...settings, key, program, 'check')
  t.equal(await check.ended, 0, check.stdout())
  const proxy = start('env', ...settings, key, 'MAAS_PROXY_LOG_FORMAT=json', program)
  await proxy.printed('"msg":"listening"')
  const [, address] = /"address":"([^"]+)"/.exec(proxy.stdout()) ?? []
  t.equal((await fetch(`${address}/MAAS/api/2.0/machines/`)).status, 200, 'the command line of the unit serves')
  t.equal((await fetch(`${address}/MAAS/api/2.0/users/`)).status, 403, 'by the rules in the example of its settings')
  proxy.child.kill('SIGTERM')
  t.equal(await proxy.ended, 0)
  t.equal(inRoot('systemctl', 'enable', ...UNITS).status, 0)

  const folder = t.testdir()
  const newer = changedPackage(prepared.deb, folder, 'newer', to => {
    const control = join(to, 'DEBIAN/control')
    writeFileSync(control, readFileSync(control, 'utf8').replace(/^Version: .*$/m, 'Version: 99.0.0'))
  })
  t.match(install(newer), { status: 0, stdout: /over \(.*\)/, stderr: '' }, 'it is upgraded')
  t.equal(readFileSync(env, 'utf8'), edited, 'which keeps the configuration')
  t.match(inRoot('systemctl', 'is-enabled', ...UNITS).stdout, /^enabled\nenabled\n$/, 'and what is enabled')

  const foreign = changedPackage(prepared.deb, folder, 'foreign', to => {
    const control = join(to, 'DEBIAN/control')
    writeFileSync(control, readFileSync(control, 'utf8').replace(/^(Architecture: ).*$/m, '$1s390x'))
  })
  t.match(install(foreign), { status: 1, stderr: /package architecture \(s390x\) does not match system/ }, 'one of another architecture is refused')

  t.match(inRoot('dpkg', '--remove', 'maas-auth-proxy'), { status: 0, stderr: '' })
  t.equal(readFileSync(env, 'utf8'), edited, 'what is removed keeps its configuration')
  t.match(inRoot('dpkg', '--purge', 'maas-auth-proxy'), { status: 0, stderr: '' })
  t.strictSame(paths().filter(path => !before.includes(path)), [], 'what is purged leaves nothing, not even the key')
})

t.test('what the package says it needs is what the executable needs', { skip }, async t => {
  const { tree, deb } = prepare()
  const bytes = readFileSync(join(tree, 'dist', `maas-auth-proxy-linux-${process.arch}`), 'latin1')
  const depends = execFileSync('dpkg-deb', ['--field', deb, 'Depends'], { encoding: 'utf8' })
  t.match(depends, `libc6 (>= ${newestOf(bytes, 'GLIBC')})`, 'so an older one is refused by name')
  t.match([newestOf(bytes, 'GLIBCXX'), depends], ['3.4.21', 'libstdc++6 (>= 5.2)'], 'which is the first with that version')
})

t.test('what cannot be built is said in one line', { skip }, async t => {
  const { tree } = prepare()
  const rows: ReadonlyArray<[args: string[], env: Record<string, string>, line: string]> = [
    [['s390x'], {}, 'build:deb: error: "s390x" is no architecture: write npm run build:deb -- x64 or arm64\n'],
    [[], { PATH: '/nowhere' }, 'build:deb: error: there is no dpkg-deb: install dpkg, or build on Debian or Ubuntu\n'],
    [[], { SOURCE_DATE_EPOCH: 'today' }, 'build:deb: error: SOURCE_DATE_EPOCH is not a number of seconds: write date +%s\n']
  ]
  for (const [args, env, line] of rows) {
    const { status, stderr } = spawnSync(process.execPath, ['config/deb/build.mjs', ...args], { cwd: tree, encoding: 'utf8', env: { ...ENVIRONMENT, ...env } })
    t.strictSame({ status, stderr }, { status: 2, stderr: line })
  }
})
