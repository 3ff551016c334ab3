import t from 'tap'
import { EventEmitter, once } from 'node:events'
import { connect, createServer } from 'node:net'
import { Writable } from 'node:stream'
import { COMMANDS, run } from '../../src/cli/cli.ts'
import { SETTINGS } from '../../src/settings/table.ts'
import { runHere, startProgram } from '../helper/process.ts'
import { KEY } from '../helper/proxy.ts'
import { exchange, get, listenOn, rawUpstream, readAll, request } from '../helper/sockets.ts'

const MAAS = { MAAS_URL: 'http://127.0.0.1:1/MAAS', MAAS_API_KEY: `${KEY.consumer}:${KEY.token}:${KEY.secret}` }

/** The port of the `listening` record on the program's output. */
function portOf (stdout: string): number {
  return Number(/"address":"http:\/\/127\.0\.0\.1:(\d+)"/.exec(stdout)?.[1])
}

t.test('wrong command lines are errors', async t => {
  const busy = await listenOn(t, createServer())
  const rows: Array<[argv: string[], env: Record<string, string>, code: number, stderr: RegExp, reason: string]> = [
    [[], {}, 2, /^maas-auth-proxy: error: MAAS_URL: not set[^]*error: MAAS_API_KEY: not set[^]*hint: [^]*--help/, 'nothing set: all that is missing'],
    [['demoo'], MAAS, 2, /no such command; did you mean demo\?/, 'a command that is not there'],
    [['c:t:HIDDEN'], MAAS, 2, /error: no such command\n/, 'one that is like none, not repeated'],
    [['--read-only', 'true'], MAAS, 2, /true: is not a command; .*--read-only=true/, 'a switch with a value behind a space'],
    [['--listen', 'unix:/nonexistent/socket'], MAAS, 1, /error: the directory \/nonexistent of the socket does not exist; mkdir -p \/nonexistent\n/, 'a socket in a directory that is not there'],
    [['toString'], MAAS, 2, /no such command/, 'nor one that every object has'],
    [['serve', 'c:t:HIDDEN'], MAAS, 2, /serve: has a word too many/, 'a word too many, not repeated'],
    [['demo', '--maas-url', 'http://x/MAAS'], {}, 2, /demo: has a MAAS and a key of its own/, 'a MAAS for the demo'],
    [['demo', '--api-key-file', '/HIDDEN'], {}, 2, /demo: has a MAAS and a key of its own/, 'a key for the demo'],
    [['serve', '--json'], MAAS, 2, /--json: serve has no answer in JSON/, 'a command that has no answer in JSON'],
    [['serve', '--verbose'], MAAS, 2, /--verbose: serve has no more to tell; --log-level debug/, 'a command that has no more to tell'],
    [['demo', '--json'], {}, 2, /--json: demo has an answer in JSON only with --stand-in-only/, 'a demo in JSON'],
    [['demo', '--maas-version', '2.9'], {}, 2, /--maas-version: write 3\.4 or 3\.7/, 'a version that there is no recording of'],
    [['demo', '--maas-version'], {}, 2, /--maas-version: write 3\.4 or 3\.7/, 'a version that is left out'],
    [['serve', '--maas-version', '3.4'], MAAS, 2, /--stand-in-only, --maas-version: serve has no stand-in for MAAS; demo has/, 'a version of the real MAAS'],
    [['check', '--stand-in-only'], MAAS, 2, /check has no stand-in for MAAS; demo has/, 'a stand-in for another command'],
    [['demo', '--stand-in-only', '--read-only'], {}, 2, /demo --stand-in-only: starts no proxy; leave every setting but --listen out/, 'a setting of the proxy'],
    [['demo', '--stand-in-only', '--listen', 'x'], {}, 2, /--listen: "x" is not an address to listen on/, 'no address'],
    [['demo', '--stand-in-only', '--listen', 'unix:/x'], {}, 2, /demo --stand-in-only: --listen: write host:port, :port or port/, 'a socket'],
    [['demo', '--stand-in-only', '--listen', '0', '--listen', '1'], {}, 2, /demo --stand-in-only: --listen: write one address/, 'two addresses'],
    [['demo', '--stand-in-only', '--listen', '0.0.0.0:0'], {}, 2, /anyone who reaches that address could use the stand-in; add --allow-non-loopback/, 'every address of the machine'],
    [['demo', '--stand-in-only', '--listen', `:${busy}`], {}, 1, /error: listen EADDRINUSE[^]*hint: something else listens there/, 'a port that is taken'],
    [['--lisen', ':0'], MAAS, 2, /--lisen: no such flag; did you mean --listen\?/, 'a flag that is not there'],
    [['serve', '--listen', `:${busy}`], MAAS, 1, /error: listen EADDRINUSE[^]*hint: something else listens there/, 'an address that is taken']
  ]
  for (const [argv, env, code, wanted, reason] of rows) {
    const { stdout, stderr, ...result } = await runHere(argv, env)
    t.equal(result.code, code, reason)
    t.match(stderr, wanted, reason)
    t.notMatch(stderr, /HIDDEN|Marked| {4}at /, 'no secret, no stack')
    t.equal(stdout, '', 'nothing on stdout')
  }
  const program = startProgram(t, ['--listn', '0'])
  t.equal(await program.ended, 2, 'as a process too')
  t.match(program.stderr(), /--listn: no such flag/)
})

t.test('a failure without a remedy is printed', async t => {
  let stderr = ''
  const broken = { write: () => { throw new Error('the disk is full') } } as unknown as Writable
  const code = await run({ argv: ['--version'], env: {}, stdout: broken, stderr: new Writable({ write: (chunk, _, done) => { stderr += chunk; done() } }), signals: new EventEmitter() })
  t.equal(code, 1)
  t.equal(stderr, 'maas-auth-proxy: error: the disk is full\n')
})

t.test('manual page and version', async t => {
  t.match(await runHere(['man']), { code: 0, stdout: /^\.TH MAAS\\-AUTH\\-PROXY 1 "" "maas\\-auth\\-proxy \d+\.\d+\.\d+"/, stderr: '' })
  t.match(await runHere(['--version']), { code: 0, stdout: /^\d+\.\d+\.\d+ \(commit unknown, Node \d+\.\d+\.\d+\)\n$/, stderr: '' })
})

t.test('policy answers without MAAS and without a key', async t => {
  const rules = ['--allow', 'GET machines/**', '--allow', 'POST machines/*?op=deploy', '--allow', 'GET tags/blue', '--deny', 'GET machines/*?op=details']
  const rows: Array<[argv: string[], code: number, wanted: RegExp, reason: string]> = [
    [['policy', 'test', 'POST machines/abc?op=deploy', ...rules], 0, /^allowed: POST machines\/abc\?op=deploy\n {2}by --allow "POST machines\/\*\?op=deploy"\n$/, 'allowed, and by what'],
    [['policy', 'test', 'GET machines/abc?op=details', ...rules], 1, /^refused: .*\n {2}by --deny "GET machines\/\*\?op=details"\n$/, 'refused, and by what'],
    [['policy', 'test', 'POST tags/', ...rules], 1, /by no --allow rule that means it\n {2}allow it with --allow "POST tags\/"/, 'by none'],
    [['policy', 'test', 'POST tags/', ...rules, '--policy-mode', 'warn'], 0, /^allowed by --policy-mode warn, but would be refused/, 'only warned of'],
    [['policy', 'test', 'GET account/?op=list_authorisation_tokens'], 1, /by the credential guard: Lists every API key/, 'by the guard'],
    [['policy', 'test', 'GET machines/abc?op=detials'], 2, /MAAS has no such operation; did you mean "GET machines\/\*\?op=details"/, 'a typing error'],
    [['policy', 'test', 'GET machines/*'], 2, /takes one operation, without stars/, 'a rule'],
    [['policy', 'test', 'GET machines/%2e%2e/'], 2, /policy test: the request target has a dot segment/, 'a path that is refused whatever the rules'],
    [['policy', 'test', 'GET'], 2, /policy test: write METHOD/, 'no path'],
    [['policy', 'test', 'BREW machines/'], 2, /policy test: write METHOD/, 'no method'],
    [['policy', 'test', 'POST /MAAS/api/2.0/machines/abc/?op=deploy', ...rules], 0, /^allowed: POST \/MAAS\/api/, 'a path as the log has it'],
    [['policy', 'test', 'POST /MAAS/api/2.0/machines/{system_id}/op-deploy', ...rules], 0, /^allowed: /, 'as the documentation of MAAS has it'],
    [['policy', 'test', 'POST http://localhost:5241/MAAS/api/2.0/machines/abc/?op=release', ...rules], 1, /^refused: /, 'as a client has it'],
    [['policy', 'test', 'GET /MAAS/api/1.0/machines/'], 2, /no such operation/, 'another API'],
    [['policy', 'test', 'GET machines/abc?op=power_parameters'], 1, /\n {2}by the credential guard: .*\n {2}do it in MAAS itself, or start with --allow-credential-operation "GET machines\/\*\?op=power_parameters"\n$/, 'what would open it'],
    [['policy', 'test', 'GET groups/'], 0, /^allowed: GET groups\/\n {2}by no rule against it\n {2}since MAAS 3\.8\n$/, 'since when'],
    [['policy', 'test', 'POST pods/1?op=compose'], 0, /\n {2}gone in MAAS 4\.0\n$/, 'until when'],
    [['policy', 'list'], 0, /\nGET {5}groups\/ {2}\(since MAAS 3\.8\)\n[^]*\nPOST {4}vm-hosts\/ {2}\(gone in MAAS 4\.0\)\n/, 'versions in the list'],
    [['policy', 'list', '--allow-credential-operation', 'GET machines/abc?op=get_token'], 0, /\n {2}--allow-credential-operation "GET machines\/abc\?op=get_token" means GET machines\/\*\?op=get_token for that one only\n$/, 'an opening for one machine'],
    [['policy', 'test'], 2, /write policy test "METHOD PATH\[\?op=NAME\]", or policy test --recording FILE\n/, 'nothing to test'],
    [['policy', 'list', 'x'], 2, /write policy list/, 'a word too many'],
    [['policy', 'list', '--allow', 'GET nope/'], 2, /--allow: "GET nope\/" means no operation/, 'a rule that is none'],
    [['policy', 'list', ...rules], 0, /^GET {5}machines\/\n[^]*POST {4}machines\/\{system_id\}\/\?op=deploy\n\d+ of \d+ operations of MAAS are allowed for every resource\n {2}--allow "GET tags\/blue" means GET tags\/\*, [^\n]* for that one only\n$/, 'all that is allowed']
  ]
  for (const [argv, code, wanted, reason] of rows) {
    const result = await runHere(argv)
    t.equal(result.code, code, reason)
    t.match(result.stdout + result.stderr, wanted, reason)
  }
})

t.test('colours help to tell reading from writing', async t => {
  const { stdout } = await runHere(['policy', 'list', '--allow', '* tags/*'], { FORCE_COLOR: '1' })
  const lines = stdout.replaceAll('\u001b', '^').split('\n')
  for (const line of ['^[32mGET   ^[39m  tags/{name}/^[1m?op=machines^[22m', '^[33mPUT   ^[39m  tags/{name}/', '^[31mDELETE^[39m  tags/{name}/']) t.ok(lines.includes(line), line)
  t.match(lines.at(-2), /^\^\[1m\d+ of \d+ operations/)
  for (const [rule, color] of [['GET tags/', 32], ['POST tags/', 31]] as const) {
    const answer = await runHere(['policy', 'test', rule, '--read-only'], { FORCE_COLOR: '1' })
    t.ok(answer.stdout.startsWith(`\u001b[${color}m`), rule)
  }
})

t.test('serve says where it listens, signs, and ends in good order', async t => {
  let finish = () => {}
  const upstream = await rawUpstream(t, socket => { finish = () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone') })
  const program = startProgram(t, ['--listen', '0', '--log-level=trace'], { ...MAAS, MAAS_URL: upstream.url })
  await program.printed('listening')
  const port = portOf(program.stdout())
  const running = exchange(port, get('/MAAS/api/2.0/machines/'))
  const keptAlive = connect(port, '127.0.0.1')
  keptAlive.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await once(keptAlive, 'data')
  const silent = connect(port, '127.0.0.1')
  await once(silent, 'connect')
  const busy = connect(port, '127.0.0.1')
  busy.write('GET /MAAS/api/2.0/machines/ HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await upstream.sawText(/(machines\/[^]*oauth_consumer_key="ConsumerKeyMarked1"[^]*){2}/)
  program.child.kill('SIGTERM')
  await program.printed('stopping')
  t.equal(await readAll(keptAlive), '', 'an idle connection is closed')
  t.equal(await readAll(silent), '', 'and one that has not asked for anything')
  const late = connect(port, '127.0.0.1')
  const [refused] = await once(late, 'error')
  t.equal(refused.code, 'ECONNREFUSED', 'a new connection is refused')
  busy.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  for (const socket of upstream.sockets) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone')
  finish()
  t.match(await running, /\r\n\r\ndone$/, 'a request under way is finished')
  t.match(await readAll(busy), /done[^]*HTTP\/1.1 503 [^]*MAAS_PROXY_SHUTTING_DOWN/, 'a new one on its connection is told')
  t.equal(await program.ended, 0)
  t.match(program.stdout(), /"msg":"stopped"/)
  t.notMatch(program.stdout() + program.stderr(), new RegExp([KEY.consumer, KEY.token, KEY.secret].join('|')), 'no part of the key in any output')
})

t.test('SIGUSR1 does not open the inspector', async t => {
  const upstream = await rawUpstream(t, () => {})
  const program = startProgram(t, ['--listen', '0', '--log-format', 'json'], { ...MAAS, MAAS_URL: upstream.url })
  await program.printed('"listening"')
  program.child.kill('SIGUSR1')
  await exchange(portOf(program.stdout()), get('/-/live'))
  program.child.kill('SIGTERM')
  t.equal(await program.ended, 0, 'it lives on')
  t.notMatch(program.stderr(), /Debugger/)
})

t.test('requests are cut off after the drain timeout, or at a second signal', async t => {
  const rows: Array<[first: NodeJS.Signals, second: NodeJS.Signals | null, drain: string, code: number]> = [
    ['SIGTERM', null, '100ms', 0],
    ['SIGTERM', 'SIGTERM', '1h', 143],
    ['SIGINT', 'SIGINT', '1h', 130]
  ]
  for (const [first, second, drain, code] of rows) {
    t.test(`${first}, ${second}`, async t => {
      const upstream = await rawUpstream(t, () => {})
      const program = startProgram(t, ['--listen', '0', '--drain-timeout', drain, '--log-format', 'json'], { ...MAAS, MAAS_URL: upstream.url })
      await program.printed('listening')
      const running = exchange(portOf(program.stdout()), request(['POST /MAAS/api/2.0/machines/abc123/?op=release HTTP/1.1', 'Host: localhost', 'Content-Length: 0']))
      await upstream.sawText('/machines/')
      program.child.kill(first)
      await program.printed('stopping')
      if (second !== null) program.child.kill(second)
      t.equal(await program.ended, code)
      t.equal(await running, '')
      if (second === null) t.match(program.stdout(), /the drain timeout is over/)
      for (const record of [/"op":"release".*"complete":false,"msg":"request"/, /"op":"release".*"msg":"audit"/]) t.match(program.stdout(), record, 'what was sent to MAAS has its records all the same')
    })
  }
})

t.test('the demo answers a request, and its own lines can be copied', async t => {
  const first = startProgram(t, ['demo', '--listen', '0'], { MAAS_URL: 'http://nowhere.invalid/MAAS', MAAS_API_KEY_FILE: '/nonexistent' })
  await first.printed('Control-C')
  await first.warned('"msg":"listening"')
  const text = first.stdout()
  t.match(text, /whoami'\n[^]*"username": "[^]*\(200\)[^]*version\/'\n[^]*"capabilities"[^]*\(200\)[^]*whoami'\n {2}Forbidden\n {2}\(401\)/)
  const lines = [...text.matchAll(/curl '(http:[^']+)'/g)].map(([, url]) => url as string)
  t.equal(lines.length, 5)
  for (const url of lines) t.equal((await fetch(url)).status, url.includes(`${portOf(first.stderr())}`) ? 200 : 401, url)
  t.match(first.stderr(), /"msg":"listening"/, 'the log goes to stderr')

  const port = portOf(first.stderr())
  const second = startProgram(t, ['demo', '--listen', `:${port}`])
  await second.printed('Control-C')
  await second.warned('takes a free port')
  t.notMatch(second.stdout(), `:${port}/`, 'a port that is taken is left alone')
  t.match(second.stderr(), /takes a free port/)
  for (const program of [first, second]) program.child.kill('SIGINT')
  t.equal(await first.ended, 0)
  t.equal(await second.ended, 0)

  const nowhere = startProgram(t, ['demo', '--listen', '[::1]:1'], { MAAS_PROXY_LISTN: 'x' })
  t.equal(await nowhere.ended, 2, 'a demo with wrong settings does not stay')
})

t.test('the stand-in alone is a MAAS to test against', async t => {
  const program = startProgram(t, ['demo', '--stand-in-only', '--maas-version', '3.4', '--json'], { MAAS_URL: 'http://nowhere.invalid/MAAS' })
  await program.printed('\n')
  const { url, admin, user, ...rest } = JSON.parse(program.stdout())
  t.strictSame(rest, {}, 'a line of JSON with three facts')
  t.match([url, admin, user], [/^http:\/\/127\.0\.0\.1:\d+\/MAAS$/, /^\w{18}:\w{18}:\w{32}$/, /^\w{18}:\w{18}:\w{32}$/])
  t.match(await (await fetch(`${url}/api/2.0/version/`)).json(), { version: '3.4.10' })
  t.match(await runHere(['check'], { MAAS_URL: url, MAAS_API_KEY: user }), { code: 0, stdout: /is that of user/ }, 'its keys are good')
  program.child.kill('SIGTERM')
  t.equal(await program.ended, 0)
  t.equal(program.stderr(), '')

  const open = startProgram(t, ['demo', '--stand-in-only', '--listen', '0.0.0.0:0', '--allow-non-loopback'])
  await open.printed('Control-C')
  t.match(open.stdout(), /^The stand-in MAAS is at http:\/\/0\.0\.0\.0:\d+\/MAAS [^]*\n {2}administrator {2}\w{18}:\w{18}:\w{32}\n {2}user {11}\w/)
  const [, port] = /:(\d+)\/MAAS/.exec(open.stdout()) ?? []
  t.match(await (await fetch(`http://127.0.0.1:${port}/MAAS/api/2.0/version/`)).json(), { version: '3.7.3' }, 'the newest by default')
  open.child.kill('SIGINT')
  t.equal(await open.ended, 0)
})

t.test('a completion names every command and flag, for each shell', async t => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout } = await runHere(['completion', shell])
    t.equal(code, 0, shell)
    for (const name of Object.keys(COMMANDS)) t.ok(stdout.includes(name), `${shell}: ${name}`)
    for (const { flag } of Object.values(SETTINGS)) if (flag !== null) t.ok(stdout.includes(flag.slice(2)), `${shell}: ${flag}`)
  }
})
