import t from 'tap'
import { execFileSync, spawnSync } from 'node:child_process'
import fs, { chmodSync, closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { once } from 'node:events'
import { Server } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import { Writable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import type { Environment } from '../../src/environment.ts'
import { connectionLimit, limitConnections, maxOpenFiles } from '../../src/listen/connection-limit.ts'
import { createLogger } from '../../src/observe/log/logger.ts'
import { Traffic } from '../../src/observe/metrics/traffic.ts'
import { observeClients } from '../../src/proxy/client-connections.ts'
import { openDestination } from '../../src/observe/log/destination.ts'
import { collectGarbage, collectWhenQuiet } from '../../src/performance/collect-when-quiet.ts'
import { doubtOf } from '../../src/settings/env-file.ts'
import { loadConfig } from '../../src/settings/load.ts'
import type { Flags } from '../../src/settings/setting-input.ts'
import { PROGRAM, runHere, startCommand, startProgram } from '../helper/process.ts'
import { KEY } from '../helper/proxy.ts'
import { exchange, get, listenOn, OK, rawUpstream, readAll } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

const MAAS_API_KEY = Object.values(KEY).join(':')

t.test('MAAS_URL must not be an address of the proxy itself', async t => {
  const placeholder = createServer()
  const port = await listenOn(t, placeholder)
  await new Promise(resolve => placeholder.close(resolve))
  const env = { MAAS_URL: `http://localhost:${port}/MAAS`, MAAS_API_KEY }
  const { code, stderr } = await runHere(['--listen', `127.0.0.1:${port}`, '--log-level', 'silent'], env)
  t.equal(code, 2, 'by its exit code')
  t.match(stderr, /^maas-auth-proxy: error: MAAS_URL: .* is the address of this proxy itself/)
})

t.test('a .env that another user may have written is refused', async t => {
  const kind = (isFile: boolean, isDirectory = false) => ({ isFile: () => isFile, isDirectory: () => isDirectory })
  const rows: Array<[
    link: number, file: number, mode: number, user: number | undefined, doubt: RegExp | null, reason: string
  ]> = [
    [1000, 1000, 0o600, 1000, null, 'of this user'],
    [1000, 1000, 0o644, 1000, null, 'that others may read'],
    [0, 0, 0o644, 1000, null, 'of root, who may do anything anyway'],
    [1001, 1001, 0o600, 1000, /belongs to another user; name it with --env-file \.env/, 'of another'],
    [1001, 1000, 0o600, 1000, /belongs to another user/, 'a link that another has made'],
    [1000, 1001, 0o600, 1000, /belongs to another user/, 'a link to what another has made'],
    [1001, 1001, 0o600, 0, /belongs to another user/, 'of another, for root'],
    [1000, 1000, 0o660, 1000, /other users may write it; chmod 600 it/, 'that its group may write'],
    [1000, 1000, 0o606, 1000, /other users may write it/, 'that everybody may write'],
    [0, 0, 0o666, undefined, null, 'where there are no such ids']
  ]
  for (const [link, file, mode, user, doubt, reason] of rows) {
    t.match(doubtOf({ uid: link }, { ...kind(true), uid: file, mode }, user), doubt, reason)
  }
  t.match(doubtOf({ uid: 0 }, { ...kind(false), uid: 0, mode: 0o600 }, 0), /not a regular file; name it/)
  t.equal(doubtOf({ uid: 0 }, { ...kind(false, true), uid: 0, mode: 0o600 }, 0), 'it is a directory')
})

t.test('settings of a found .env are logged, and its address gets no stronger key', async t => {
  const found = (text: string) => {
    const dir = t.testdir({ '.env': text, key: MAAS_API_KEY })
    chmodSync(`${dir}/.env`, 0o600)
    chmodSync(`${dir}/key`, 0o600)
    return dir
  }
  const before = process.cwd()
  t.after(() => { process.chdir(before) })
  const url = 'http://127.0.0.1:1/MAAS'
  const opening = `MAAS_URL=${url}\nMAAS_PROXY_ALLOW_ORIGIN=http://evil.example\nMAAS_PROXY_ALLOW_HOST=*\n`
  const rows: Array<[
    text: string, flags: Flags, env: Environment, problem: RegExp | null, notice: RegExp | null, reason: string
  ]> = [
    [`${opening}MAAS_API_KEY=${MAAS_API_KEY}`, {}, {}, null, /^settings from .*\/\.env: MAAS_URL, MAAS_API_KEY, MAAS_PROXY_ALLOW_HOST, MAAS_PROXY_ALLOW_ORIGIN$/, 'all of it is told'],
    [opening, {}, { MAAS_URL: url, MAAS_API_KEY }, null, /: MAAS_PROXY_ALLOW_HOST, MAAS_PROXY_ALLOW_ORIGIN$/, 'what counts of it'],
    [`MAAS_URL=${url}`, { apiKeyFile: ['key'] }, {}, /^--api-key-file and MAAS_URL \(\.env\): the key would go to an address from a file that you did not name/, null, 'a key of the command line'],
    [`MAAS_URL=${url}`, {}, { MAAS_API_KEY }, /^MAAS_API_KEY and MAAS_URL \(\.env\): the key would go/, null, 'a key of the environment'],
    [`MAAS_URL=${url}`, { envFile: ['.env'] }, { MAAS_API_KEY }, null, null, 'a file that the user names is his word'],
    [`MAAS_API_KEY=${MAAS_API_KEY}`, { maasUrl: [url] }, {}, null, /: MAAS_API_KEY$/, 'a weaker place for the key is none']
  ]
  for (const [text, flags, env, problem, notice, reason] of rows) {
    process.chdir(found(text))
    const result = await loadConfig({ listen: ['127.0.0.1:0'], ...flags }, env).then(({ notices }) => ({ notices, problems: [] }), ({ problems }) => ({ problems, notices: [] }))
    t.match(result, { problems: problem === null ? [] : [problem], notices: notice === null ? [] : [notice] }, reason)
    t.equal(result.problems.length, problem === null ? 0 : 1, reason)
  }
})

t.test('a .env that leads nowhere is told of', async t => {
  const dir = t.testdir({ '.env': t.fixture('symlink', 'nowhere') })
  const program = startProgram(t, ['config', 'print'], { MAAS_URL: 'http://localhost:5240/MAAS', MAAS_API_KEY }, dir)
  t.equal(await program.ended, 2)
  t.match(program.stderr(), /error: \.env: "\.env": there is no such file/)
})

t.test('a FIFO with the name .env does not hang the start', { skip: process.platform === 'win32' && 'Windows has none' }, async t => {
  const dir = t.testdir()
  execFileSync('mkfifo', [`${dir}/.env`])
  const program = startProgram(t, ['config', 'print'], { MAAS_URL: 'http://localhost:5240/MAAS', MAAS_API_KEY }, dir)
  t.equal(await program.ended, 2)
  t.match(program.stderr(), /error: \.env: "\.env": it is not a regular file/)
})

t.test('a key in the wrong setting is not repeated, whatever its form', async t => {
  const keys = [MAAS_API_KEY, 'short-1:short_2:short.3', 'my.consumer:k:s', 'zz:1:2', `"${MAAS_API_KEY}"`, `MAAS_API_KEY=${MAAS_API_KEY}`]
  for (const key of keys) {
    const { code, stderr } = await runHere(['--listen', key], { MAAS_URL: 'http://localhost:5240/MAAS', MAAS_API_KEY })
    t.equal(code, 2)
    t.notMatch(stderr, key.slice(-6).replace('"', ''), key)
  }
  for (const text of ['::1', 'fe80::1:5241', '1:2:3', 'abc:1:2', 'http://x:80', 'unix']) {
    const { stderr } = await runHere(['--listen', text], { MAAS_URL: 'http://localhost:5240/MAAS', MAAS_API_KEY })
    t.match(stderr, JSON.stringify(text), `${text} is shown`)
  }
})

t.test('a terminal is opened a second time, so that nothing blocks while it is stopped', async t => {
  const path = `${t.testdir({ terminal: '' })}/terminal`
  const descriptor = openSync(path, 'w')
  const rows: Array<[fd: number, written: string, reason: string]> = [
    [descriptor, 'a line\n', 'one that may be opened'],
    [99_999, 'a line\n', 'one that may not, which costs the log and nothing else']
  ]
  for (const [fd, written, reason] of rows) {
    const destination = openDestination(Object.assign(new Writable(), { fd, isTTY: true }), () => t.fail('nothing is lost'))
    destination.write('a line\n')
    await destination.close()
    t.equal(readFileSync(path, 'utf8'), written, reason)
  }
  closeSync(descriptor)
})

t.test('a log on a full disk goes on when there is room again, to its last record', async t => {
  const path = `${t.testdir({ log: '' })}/log`
  const fd = openSync(path, 'w')
  const write = fs.write
  t.after(() => { fs.write = write })
  let refused = 0
  const full = (...values: unknown[]) => {
    refused++
    setImmediate(values.at(-1) as (error: Error) => void, Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }))
  }
  const destination = openDestination(Object.assign(new Writable(), { fd }), () => t.fail('nothing is lost'))
  fs.write = full as unknown as typeof write
  destination.write(`${'x'.repeat(5000)}\n`)
  await until('the disk is found full', () => refused > 0)
  fs.write = write
  destination.write(`${'y'.repeat(5000)}\n`)
  await until('there is room', () => readFileSync(path, 'utf8').includes('y'))
  destination.write('the last one\n')
  await destination.close()
  t.match(readFileSync(path, 'utf8'), /^x{5000}\ny{5000}\nthe last one\n$/)
  closeSync(fd)
})

const noScript = spawnSync('script', ['--version']).status !== 0 && 'there is no script(1)'

t.test('a terminal that is stopped with Control-S stops neither answers nor the end', { skip: noScript }, async t => {
  const program = startCommand(t, ['script', '--quiet', '--flush', '--return', '--command', ['exec', ...PROGRAM, '--listen', '127.0.0.1:0'].join(' '), '/dev/null'], { MAAS_URL: 'http://127.0.0.1:1/MAAS', MAAS_API_KEY })
  await program.printed('whoami')
  const port = Number(/listens on.*127\.0\.0\.1:(\d+)/.exec(stripVTControlCharacters(program.stdout()))?.[1])
  program.child.stdin.write('\x13')
  await until('the terminal is stopped', async () => {
    const length = program.stdout().length
    await exchange(port, get('/-/live'))
    await wait(300)
    return program.stdout().length === length
  })
  for (let i = 0; i < 20; i++) t.match(await exchange(port, get('/-/live')), /^HTTP\/1\.1 200 /)
  const [child = ''] = readFileSync(`/proc/${program.child.pid}/task/${program.child.pid}/children`, 'utf8').split(' ')
  process.kill(Number(child), 'SIGTERM')
  await until('the program has ended', () => !existsSync(`/proc/${child}`))
})

t.test('clients leave descriptors for MAAS, and those that are refused are counted', async t => {
  const dir = t.testdir({ limits: 'Limit Soft Hard\nMax open files            1024                 4096                 files\n', odd: 'Max open files unlimited\n' })
  t.strictSame([maxOpenFiles(`${dir}/limits`), maxOpenFiles(`${dir}/odd`), maxOpenFiles(`${dir}/none`)], [1024, Infinity, Infinity])
  const MIB = 1024 ** 2
  type Row = [files: number, memory: number, listeners: number, connections: number, cause: string, why: string]
  const rows: Row[] = [
    [1024, 0, 1, 704, 'open files', 'the usual limit, and no cgroup'],
    [1024, 0, 2, 352, 'open files', 'shared by two listeners'],
    [60, 0, 1, 30, 'open files', 'half of few'],
    [1, 0, 1, 1, 'open files', 'one at least'],
    [Infinity, 0, 3, Infinity, 'open files', 'no limit'],
    [1_048_576, 2 ** 63, 1, 1_048_256, 'open files', 'a cgroup without a limit'],
    [1_048_576, 256 * MIB, 1, 5120, 'memory', 'a container'],
    [1_048_576, 128 * MIB, 2, 512, 'memory', 'a small one, shared by two listeners'],
    [1_048_576, 64 * MIB, 1, 64, 'memory', 'one that is too small'],
    [300, 256 * MIB, 1, 150, 'open files', 'the smaller of the two']
  ]
  t.strictSame(connectionLimit(1_048_576, 256 * MIB, 1, true), { connections: 2048, cause: 'memory' }, 'TLS takes memory too')
  for (const [files, memory, listeners, connections, cause, why] of rows) {
    t.strictSame(connectionLimit(files, memory, listeners, false), { connections, cause }, why)
  }
})

t.test('clients that are idle make room for others, and those that are refused are counted', async t => {
  let answer: () => void = () => t.fail('nothing was asked')
  const upstream = await rawUpstream(t, socket => { answer = () => { socket.write(OK) } })
  const program = startCommand(t, ['/bin/sh', '-c', 'ulimit -n 60 && exec "$@"', 'sh', ...PROGRAM, '--listen', '127.0.0.1:0'], { MAAS_URL: upstream.url, MAAS_API_KEY })
  await program.printed('"listening"')
  const port = Number(/127\.0\.0\.1:(\d+)","upstream/.exec(program.stdout())?.[1])
  const sockets: Socket[] = []
  t.after(() => { for (const socket of sockets) socket.destroy() })
  const join = async () => {
    const socket = connect(port, '127.0.0.1').resume()
    socket.on('error', () => {})
    sockets.push(socket)
    await once(socket, 'connect')
  }
  const open = () => sockets.filter(({ closed }) => !closed).length
  await join()
  const asking = readAll(sockets[0] as Socket)
  sockets[0]?.write(get('/MAAS/api/2.0/machines/'))
  await upstream.sawText('GET ')
  for (let i = 0; i < 39; i++) await join()
  await program.printed('connections of clients were refused')
  await until('the oldest idle connections are closed', () => open() === 22)
  t.equal(sockets[1]?.closed, true, 'the oldest')
  t.match(await exchange(port, get('/-/metrics')), /^maas_auth_proxy_client_connections_refused_total\{[^}]*\} 10$/m, 'another client is served')
  answer()
  t.match(await asking, /^HTTP\/1\.1 200 /, 'one that waits for its answer is no idle one')
  await join()
  await wait(2500) // two checks
  t.equal(open(), 22, 'where there is room, nobody is sent away')
})

t.test('many refused connections are one record a minute', async t => {
  const server = new Server()
  const reports: number[] = []
  let refused = 0
  limitConnections(server, Infinity, () => { refused++ }, count => { reports.push(count) })
  for (let i = 0; i < 3; i++) server.emit('drop')
  t.strictSame([refused, reports], [3, [1]])
})

t.test('refused connections are counted for their listener, and told of', async t => {
  const server = new Server()
  const traffic = new Traffic()
  const lines: string[] = []
  const logger = createLogger('warn', 'json', new Writable({ write: (line, _encoding, done) => { lines.push(String(line)); done() } }))
  observeClients(server, 'unix:/s', { limit: { connections: 7, cause: 'open files' }, traffic, logger })
  server.emit('drop')
  const tight = new Server()
  observeClients(tight, 'unix:/m', { limit: { connections: 7, cause: 'memory' }, traffic, logger })
  t.equal(traffic.refusedConnections.get('unix:/s'), 1)
  t.match(JSON.parse(lines[0] ?? ''), { listener: 'unix:/s', limit: 7, refused: 1, msg: /ulimit -n/ })
  tight.emit('drop')
  t.match(JSON.parse(lines[1] ?? ''), { listener: 'unix:/m', limit: 7, refused: 1, msg: /limits\.memory/ })
})

t.test('what a storm has left in the heap is collected once it is quiet', async t => {
  let heap = 20
  let collections = 0
  const collect = () => {
    collections++
    heap = 30
  }
  const timers = [
    collectWhenQuiet({ intervalMs: 50, utilization: 2, growth: 32, heapSize: () => heap, collect }),
    collectWhenQuiet({ intervalMs: 50, utilization: 0, growth: 32, heapSize: () => heap, collect: () => t.fail('it is not quiet') })
  ]
  t.after(() => { timers.forEach(clearInterval) })
  for (let storm = 1; storm <= 2; storm++) {
    heap = 200
    await until('it is collected', () => collections === storm)
    await wait(200)
    t.equal(collections, storm, 'once for each storm')
  }
  const leftover = new WeakRef({})
  await wait(1) // until then it is held
  collectGarbage()
  t.equal(leftover.deref(), undefined, 'and V8 does it')
})
