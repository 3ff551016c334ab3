import t from 'tap'
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BARE, changedPackage, copyRoot, prepare, whyNoDebian } from '../helper/debian.ts'
import { Machine } from '../helper/machine.ts'
import { until } from '../helper/until.ts'

const SERVICE = 'maas-auth-proxy.service'
const SOCKET = 'maas-auth-proxy.socket'
const WHOAMI = '/MAAS/api/2.0/users/?op=whoami'

t.test('a day of the service under systemd, from the installation to the purge', { skip: whyNoDebian('systemd-nspawn', 'nsenter', 'curl', 'bash') }, async t => {
  const { base, tree, deb } = prepare()
  const root = copyRoot(t, { base, tree, deb })
  copyFileSync(deb, join(root, 'root/package.deb'))
  const install = spawnSync('chroot', [root, 'dpkg', '--install', '/root/package.deb'], { env: BARE, encoding: 'utf8' })
  t.equal(install.status, 0, install.stderr)
  const machine = await Machine.boot(t, root)
  if (typeof machine === 'string') return t.pass('the machine boots', { skip: machine })

  const systemctl = (...args: readonly string[]) => machine.run('systemctl', ...args)
  const show = (property: string, unit = SERVICE) => systemctl('show', '--property', property, '--value', unit).stdout.trim()
  const journal = (unit = SERVICE) => machine.run('journalctl', '--unit', unit, '--output', 'cat', '--no-pager').stdout
  const curl = async (...args: readonly string[]) => {
    const asked = machine.startClient('curl', '--silent', '--show-error', '--max-time', '30', ...args)
    return await asked.ended === 0 ? asked.stdout() : asked.stderr()
  }
  const ask = async () => await curl(`http://127.0.0.1:5241${WHOAMI}`)
  const etc = (name: string) => join(root, 'etc/maas-auth-proxy', name)
  const comments = readFileSync(etc('env'), 'utf8')
  const configure = (...settings: readonly string[]) => writeFileSync(etc('env'), [comments, ...settings, ''].join('\n'))

  t.not(systemctl('enable', '--now', SERVICE).status, 0, 'without a key it does not start')
  t.match(systemctl('status', SERVICE).stdout, 'AssertPathExists=/etc/maas-auth-proxy/api-key was not met', 'and says which file is missing')
  writeFileSync(etc('api-key'), 'not a key\n', { mode: 0o600 })
  t.not(systemctl('start', SERVICE).status, 0, 'with wrong settings neither')
  await until('it is over', () => show('ActiveState') === 'failed')
  t.strictSame([show('ExecMainStatus'), show('NRestarts')], ['2', '0'], 'and is not started again')
  t.match(journal(), /maas-auth-proxy: error: .*MAAS_URL/, 'the journal says what is wrong')
  systemctl('reset-failed', SERVICE)

  machine.run('systemd-run', '--unit=maas', 'maas-auth-proxy', 'demo', '--stand-in-only', '--json')
  await until('the stand-in of the package is there', () => journal('maas').includes('{"url"'))
  const maas: { url: string, admin: string, user: string } = JSON.parse(/^\{.*\}$/m.exec(journal('maas'))?.[0] ?? '{}')
  const putKey = (key: string) => writeFileSync(etc('api-key'), `${key}\n`, { mode: 0o600 })
  const [, block = ''] = /```sh\n(sudo install -D -m 600 key [^]*?)```/.exec(readFileSync(join(tree, 'README.md'), 'utf8')) ?? []
  writeFileSync(join(root, 'root/key'), maas.user)
  const lines = block.replaceAll('sudo ', '').replace('https://maas.example:5443/MAAS', maas.url)
  t.equal(machine.run('sh', '-euc', `cd /root\n${lines}`).status, 0, 'it is configured as README says')
  t.equal(show('StatusText'), 'listening on http://127.0.0.1:5241', 'it tells systemd that it is ready')
  t.match(await ask(), '"username": "user"', 'it serves with the key that systemd hands over')
  const pid = () => show('MainPID')
  const [first, uid] = [pid(), machine.run('stat', '--format=%u', `/proc/${pid()}`).stdout.trim()]
  t.ok(Number(uid) >= 61184 && Number(uid) <= 65519, `as a user of its own: ${uid}`)
  t.match(machine.run('cat', `/proc/${first}/mountinfo`).stdout, /^(?:\S+ ){4}\/ ro[, ]/m, 'its root is read-only')
  t.notMatch(machine.run('cat', `/proc/${first}/environ`).stdout, maas.user.split(':')[2], 'the key is not in its environment')

  putKey(maas.admin)
  t.equal(systemctl('reload', SERVICE).status, 0)
  await until('it reads its files again', () => journal().includes('the API key is the same as before'))
  t.equal(pid(), first, 'a reload is no restart')
  systemctl('restart', SERVICE)
  t.match(await ask(), '"username": "admin"', 'after a restart it has the new key')

  const upload = machine.startClient('bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/5241; cat <&3 & cat >&3; wait')
  upload.child.stdin.write('POST /MAAS/api/2.0/tags/ HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\n')
  await upload.printed('100 Continue')
  systemctl('stop', '--no-block', SERVICE)
  await until('it stops', () => show('ActiveState') === 'deactivating')
  upload.child.stdin.end('name=blue')
  t.equal(await upload.ended, 0)
  t.match(upload.stdout(), /^HTTP\/1\.1 200 [^]*"name": "blue"/m, 'a running request gets its answer')
  await until('it has stopped', () => show('ActiveState') === 'inactive')
  t.equal(show('Result'), 'success')

  systemctl('start', SERVICE)
  const crashed = pid()
  systemctl('kill', '--signal=KILL', SERVICE)
  await until('it is started again after a crash', () => show('NRestarts') === '1' && show('ActiveState') === 'active')
  t.not(pid(), crashed)
  t.match(await ask(), '"username": "admin"')

  systemctl('disable', '--now', SERVICE)
  configure(`MAAS_URL=${maas.url}`, 'MAAS_PROXY_IDLE_EXIT=1s')
  t.equal(systemctl('enable', '--now', SOCKET).status, 0)
  t.equal(show('ActiveState'), 'inactive', 'with the socket unit it waits for the first client')
  t.match(await ask(), '"username": "admin"', 'which it answers')
  await until('it goes when it is idle', () => show('ActiveState') === 'inactive')
  t.equal(show('Result'), 'success')
  t.match(await curl('--unix-socket', machine.file('run/maas-auth-proxy.sock'), `http://localhost${WHOAMI}`), '"username": "admin"', 'and is back with the next one')

  configure(`MAAS_URL=${maas.url}`)
  systemctl('restart', SERVICE)
  const old = pid()
  const newer = changedPackage(deb, t.testdir(), 'newer', to => {
    const control = join(to, 'DEBIAN/control')
    writeFileSync(control, readFileSync(control, 'utf8').replace(/^Version: .*$/m, 'Version: 99.0.0'))
  })
  copyFileSync(newer, join(root, 'root/newer.deb'))
  t.equal(machine.run('dpkg', '--install', '/root/newer.deb').status, 0)
  t.match([show('ActiveState'), show('ActiveState', SOCKET)], ['active', 'active'], 'after an upgrade it runs')
  t.not(pid(), old, 'the new program')
  t.match(await ask(), '"username": "admin"', 'with its configuration')

  const secrets = [maas.admin, maas.user].map(key => key.split(':')[2] ?? '')
  t.match(journal(), '"msg":"request"', 'the journal has its requests')
  t.strictSame(secrets.filter(secret => journal().includes(secret)), [], 'and no secret')
  t.equal(machine.run('dpkg', '--purge', 'maas-auth-proxy').status, 0)
  t.strictSame([show('LoadState'), show('LoadState', SOCKET)], ['not-found', 'not-found'], 'after a purge both units are gone')
  t.match(await ask(), 'Failed to connect', 'and nothing listens')
  t.notOk(existsSync(join(root, 'etc/maas-auth-proxy')))
  t.equal(machine.run('find', '/', '/run', '/tmp', '-xdev', '-uid', '+61183', '-uid', '-65520').stdout, '', 'it has left no file anywhere')
})
