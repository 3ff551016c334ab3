import t from 'tap'
import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { chmodSync, closeSync, lstatSync, mkdtempSync, openSync, readdirSync, rmSync, statSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { type AddressInfo, connect, createServer, type ListenOptions, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { inheritedListeners } from '../../src/listen/systemd-sockets.ts'
import { SettingsReport } from '../../src/settings/report.ts'
import { loadConfig } from '../../src/settings/load.ts'
import type { Flags } from '../../src/settings/setting-input.ts'
import { descriptorOf, ENVIRONMENT, PROGRAM, startActivated, startCommand, startProgram } from '../helper/process.ts'
import { KEY } from '../helper/proxy.ts'
import { closed, get, rawUpstream, readAll } from '../helper/sockets.ts'

interface Test { after: (close: () => unknown) => void }

const API_KEY = { MAAS_API_KEY: `${KEY.consumer}:${KEY.token}:${KEY.secret}` }

/** A directory with a path short enough for a socket. */
function socketDir (t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'map-'))
  t.after(() => rmSync(dir, { recursive: true }))
  return dir
}

/** A socket that listens, to be passed on. */
async function listening (options: ListenOptions): Promise<Server> {
  const server = createServer().listen(options)
  await once(server, 'listening')
  return server
}

function portOf (server: Server): number {
  return (server.address() as AddressInfo).port
}

/** The answer to a request, on a connection of its own. */
async function ask (to: { port: number } | { socketPath: string }, path = '/MAAS/api/2.0/machines/', headers: Record<string, string> = {}): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    request({ ...to, host: '127.0.0.1', path, headers, agent: false }, resolve).on('error', reject).end()
  })
}

async function statusOf (...question: Parameters<typeof ask>): Promise<number | undefined> {
  return (await ask(...question)).resume().statusCode
}

function has (command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}

t.test('sockets that were passed are the listeners, and stay what they are', async t => {
  const upstream = await rawUpstream(t)
  const path = join(socketDir(t), 's')
  const servers = [await listening({ host: '127.0.0.1', port: 0 }), await listening({ path }), await listening({ host: '::1', port: 0 })]
  chmodSync(path, 0o660)
  const [port = 0, , port6] = servers.map(portOf)
  const program = startActivated(t, servers, [], { MAAS_URL: upstream.url, ...API_KEY })
  await program.printed(`"address":"http://[::1]:${port6}"`)
  t.match(program.stdout(), `"address":"http://127.0.0.1:${port}"`)
  t.match(program.stdout(), `"address":"unix:${path}"`)
  t.notMatch(program.stdout(), ':5241"', 'and no others')
  const machines = '/MAAS/api/2.0/machines/'
  t.equal(await statusOf({ port }), 200)
  t.equal(await statusOf({ port }, machines, { Host: 'evil.example' }), 403, 'with the guard of a TCP listener')
  t.equal(await statusOf({ socketPath: path }, machines, { Host: 'anything' }), 200, 'and that of a unix socket')
  const page = (await (await ask({ socketPath: path }, '/')).toArray()).join('')
  t.match(page, `curl --unix-socket '${path}' 'http://localhost/`, 'the front page knows the way')
  program.child.kill('SIGTERM')
  t.equal(await program.ended, 0)
  t.ok(lstatSync(path).isSocket(), 'the file of a socket that was passed is not ours to remove')
  t.equal(statSync(path).mode & 0o777, 0o660, 'nor to give another mode')
})

/** The variables by which this very process has been passed a descriptor, and with it all that are before it. */
function passed (fd: number): Record<string, string> {
  return { LISTEN_PID: String(process.pid), LISTEN_FDS: String(fd - 2) }
}

t.test('where a socket that was passed listens is known before it is used', async t => {
  const path = join(socketDir(t), 'a socket')
  const rows: ReadonlyArray<[ListenOptions, (server: Server) => object, string]> = [
    [{ host: '127.0.0.1', port: 0 }, server => ({ host: '127.0.0.1', port: portOf(server) }), 'IPv4'],
    [{ host: '0.0.0.0', port: 0 }, server => ({ host: '0.0.0.0', port: portOf(server) }), 'all of IPv4'],
    [{ host: '::1', port: 0 }, server => ({ host: '::1', port: portOf(server) }), 'IPv6'],
    [{ host: '::ffff:127.0.0.1', port: 0 }, server => ({ host: '::ffff:127.0.0.1', port: portOf(server) }), 'IPv4 in the guise of IPv6'],
    [{ path }, () => ({ path }), 'a unix socket, with a space in its path']
  ]
  for (const [options, address, reason] of rows) {
    const server = await listening(options)
    t.after(() => server.close())
    const fd = descriptorOf(server)
    t.strictSame(inheritedListeners(passed(fd), new SettingsReport()).at(-1), { ...address(server), fd }, reason)
  }
  t.strictSame(inheritedListeners({ LISTEN_FDS: '1', LISTEN_PID: '1' }, new SettingsReport()), [], 'what was passed to another process is not ours')
  t.strictSame(inheritedListeners({ LISTEN_PID: String(process.pid) }, new SettingsReport()), [], 'nothing was passed')
})

/** The descriptors of the sockets of this process. */
function openSockets (): number[] {
  return readdirSync('/proc/self/fd').filter(fd => statSync(`/proc/self/fd/${fd}`, { throwIfNoEntry: false })?.isSocket()).map(Number)
}

t.test('a passed descriptor that is no listening socket is an error', async t => {
  const server = await listening({ host: '127.0.0.1', port: 0 })
  const client = connect(portOf(server), '127.0.0.1')
  await once(client, 'connect')
  const file = openSync('/dev/null', 'r')
  const before = openSockets()
  const datagrams = createSocket('udp4').bind(0, '127.0.0.1')
  await once(datagrams, 'listening')
  const [udp = 0] = openSockets().filter(fd => !before.includes(fd))
  t.after(() => { client.destroy(); server.close(); closeSync(file); datagrams.close() })
  for (const [fd, reason] of [[descriptorOf(client), 'a connection, as with Accept=yes'], [udp, 'a socket of datagrams'], [file, 'a file'], [999, 'none at all']] as const) {
    const report = new SettingsReport()
    inheritedListeners(passed(fd), report)
    t.equal(report.problems.at(-1), `LISTEN_FDS: descriptor ${fd} is not a listening stream socket; a socket unit has ListenStream= and no Accept=yes`, reason)
  }
})

t.test('sockets that were passed are held to the same rules as an address', async t => {
  const inside = await listening({ host: '127.0.0.1', port: 0 })
  const open = await listening({ host: '0.0.0.0', port: 0 })
  t.after(() => { open.close(); inside.close() })
  const configFile = join(t.testdir({ 'config.json': '{"maas-url": "http://localhost:5240/MAAS", "listeners": [{}]}' }), 'config.json')
  const rows: ReadonlyArray<[Server | null, Flags, Record<string, string>, RegExp | null, string]> = [
    [open, {}, {}, /^LISTEN_FDS: http:\/\/0\.0\.0\.0:\d+ can be reached from other machines.*--allow-non-loopback/m, 'beyond loopback it takes words'],
    [open, { allowNonLoopback: ['true'] }, {}, /^LISTEN_FDS: .*so clients need tokens/m, 'and tokens'],
    [inside, { listen: ['127.0.0.1:0'] }, {}, /^--listen and LISTEN_FDS: systemd passed the sockets.*; leave the setting out/m, 'an address as well: clients of one of them would wait for ever'],
    [inside, { socketMode: ['0600'] }, {}, /^--socket-mode and LISTEN_FDS: /m, 'a mode that would not be given'],
    [inside, {}, { MAAS_PROXY_LISTEN: '5241' }, /^MAAS_PROXY_LISTEN and LISTEN_FDS: /m, 'wherever it was given'],
    [null, { idleExitMs: ['1m'] }, {}, /^--idle-exit: nothing would start the proxy again/m, 'an idle exit without a socket unit'],
    [inside, { idleExitMs: ['1m'], shutdownDelayMs: ['5s'] }, {}, /^--idle-exit and --shutdown-delay: /m, 'an end that takes time, in which clients could come'],
    [inside, { config: [configFile] }, {}, /:1:\d+: listeners\[0\]: --config and LISTEN_FDS: /, 'a file of listeners, which have addresses of their own'],
    [inside, { idleExitMs: ['1m'] }, {}, null, 'an idle exit with one']
  ]
  for (const [server, flags, env, wanted, reason] of rows) {
    const problems: string[] = []
    try {
      await loadConfig(flags, { ...'config' in flags ? {} : { MAAS_URL: 'http://localhost:5240/MAAS', ...API_KEY }, ...env, ...server === null ? {} : passed(descriptorOf(server)) })
    } catch (error) {
      // The other descriptors of this process were not meant to be passed.
      problems.push(...(error as Error).message.split('\n').filter(line => !/descriptor \d+ is not a listening stream socket/.test(line)))
    }
    if (wanted === null) t.strictSame(problems, [], reason)
    else t.match(problems.join('\n'), wanted, reason)
  }
})

t.test('an idle proxy exits, and no client notices', async t => {
  const upstream = await rawUpstream(t)
  const server = await listening({ host: '127.0.0.1', port: 0 })
  const port = portOf(server)
  const idleMs = 150
  // As systemd does it: the sockets stay, and the program is started anew while it ends with 0.
  const script = 'while sh -c \'LISTEN_PID=$$ exec "$@"\' sh "$@"; do :; done'
  const program = startActivated(t, [server], ['--idle-exit', `${idleMs}ms`], { MAAS_URL: upstream.url, ...API_KEY }, script)
  const answers: string[] = []
  // Each client connects about when the time of the one before is over, some just before the end and some just after,
  // and takes its time to ask: a process that accepts it and then ends would close the connection without an answer.
  const ends = () => program.stdout().split('"msg":"stopped"').length - 1
  for (let i = 0; ends() < 2 && i < 200; i++) {
    const client = connect(port, '127.0.0.1')
    await once(client, 'connect')
    await delay(60)
    client.write(get('/MAAS/api/2.0/machines/'))
    answers.push(await readAll(client))
    await delay(idleMs - 4 + i % 10)
  }
  t.strictSame(answers.filter(answer => !answer.startsWith('HTTP/1.1 200 ')), [], `all ${answers.length} were answered`)
  t.ok(ends() >= 2, 'it has ended twice meanwhile')
  t.match(program.stdout(), '"msg":"no client was connected for so long"')

  const held = connect(port, '127.0.0.1')
  await program.printed('"msg":"listening"')
  await delay(3 * idleMs)
  held.write(get('/MAAS/api/2.0/machines/'))
  const [answer] = await once(held, 'data')
  t.match(String(answer), /^HTTP\/1.1 200 /, 'whoever is connected is served, however late he asks')
  program.child.kill('SIGKILL') // the shell, so that there is no further start
  await closed(held)
  await program.ended
})

t.test('systemd itself passes the sockets', { skip: !has('systemd-socket-activate', '--version') && 'there is no systemd-socket-activate' }, async t => {
  const upstream = await rawUpstream(t)
  const path = join(socketDir(t), 's')
  const free = await listening({ host: '127.0.0.1', port: 0 })
  const port = portOf(free) // it takes no port 0
  await new Promise(resolve => free.close(resolve))
  const variables = { ...ENVIRONMENT, MAAS_URL: upstream.url, ...API_KEY }
  const program = startCommand(t, ['systemd-socket-activate', '--listen', `127.0.0.1:${port}`, '--listen', path, ...Object.keys(variables).flatMap(name => ['--setenv', name]), ...PROGRAM], variables)
  await program.warned(` ${path} as 4.`)
  t.equal(await statusOf({ socketPath: path }), 200, 'the first client starts it, and is answered')
  t.equal(await statusOf({ port }), 200)
  program.child.kill('SIGTERM')
  t.equal(await program.ended, 0)
  t.ok(lstatSync(path).isSocket(), 'the file is still there')
})

/**
 * Prints every datagram that comes, as the service manager would get it; a descriptor that comes along is closed, which
 * ends the wait of its sender.
 */
const RECEIVER = `
import os, socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print('bound', flush=True)
while True:
    data, ancillary, _, _ = receiver.recvmsg(4096, socket.CMSG_SPACE(4))
    for _, _, descriptor in ancillary: os.close(int.from_bytes(descriptor[:4], sys.byteorder))
    print(data.decode(), flush=True)
`

t.test('systemd is notified of readiness and stop', { skip: !(has('systemd-notify', '--version') && has('python3', '--version')) && 'there is no systemd-notify, or no python3' }, async t => {
  const upstream = await rawUpstream(t)
  const path = join(socketDir(t), 'notify')
  const manager = startCommand(t, ['python3', '-c', RECEIVER, path])
  await manager.printed('bound')
  const program = startProgram(t, ['--listen', '127.0.0.1:0'], { MAAS_URL: upstream.url, ...API_KEY, NOTIFY_SOCKET: path })
  await manager.printed('READY=1')
  await program.printed('"address":"') // the log is written some milliseconds later
  const [, address] = /"address":"([^"]+)"/.exec(program.stdout()) ?? []
  t.match(manager.stdout(), `STATUS=listening on ${address}`, 'that it listens, and where')
  program.child.kill('SIGTERM')
  await manager.printed('STOPPING=1')
  t.equal(await program.ended, 0)
  t.notMatch(manager.stdout(), KEY.secret)
})

t.test('the proxy serves even if systemd cannot be notified', async t => {
  const upstream = await rawUpstream(t)
  const program = startProgram(t, ['--listen', '127.0.0.1:0'], { MAAS_URL: upstream.url, ...API_KEY, NOTIFY_SOCKET: '/nowhere', PATH: '/nowhere' })
  await program.printed('"msg":"the service manager could not be told; is systemd-notify installed?"')
  program.child.kill('SIGTERM')
  t.equal(await program.ended, 0)
})
