import t, { type Test } from 'tap'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { hasTerminal } from '../../src/cli/commands/run/child.ts'
import { childEnvironment } from '../../src/cli/commands/run/environment.ts'
import { prepareMaasCli } from '../../src/cli/commands/run/maas-cli.ts'
import { startStandIn } from '../../src/demo/stand-in/index.ts'
import { parseApiKey } from '../../src/maas/api-key.ts'
import { ENVIRONMENT, PROGRAM, runHere, startProgram } from '../helper/process.ts'
import { KEY } from '../helper/proxy.ts'
import { socketDir } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

const KEY_TEXT = `${KEY.consumer}:${KEY.token}:${KEY.secret}`

const PLACEHOLDER = 'proxysigns:proxysigns:proxysigns'

/** The names by which tools read the address beside MAAS_URL, and the parts of a key. */
const ADDRESSES = ['MAAS_API_URL', 'MAAS_HOST', 'MAAS_ENDPOINT', 'MAAS_BASE_URL']
const PARTS = ['MAAS_CUSTOMER_KEY', 'MAAS_TOKEN_KEY', 'MAAS_TOKEN_SECRET']

/** A MAAS, and the variables that lead to it. */
async function maas (t: Test): Promise<Record<string, string>> {
  const standIn = await startStandIn()
  t.after(() => standIn.close())
  const { consumer, token, secret } = standIn.admin
  return { MAAS_URL: standIn.url, MAAS_API_KEY: `${consumer}:${token}:${secret}` }
}

/** Runs a text of JavaScript by `run`. */
function runScript (t: Test, script: string, env: Record<string, string>, settings: string[] = []) {
  return startProgram(t, ['run', ...settings, '--', process.execPath, '--eval', script], env, '/', { detached: true })
}

t.test('a command gets the address of the proxy and no key', async t => {
  const env = await maas(t)
  const secret = String(env['MAAS_API_KEY']).split(':')[2]
  const program = runScript(t, `
    const { MAAS_URL: url } = process.env
    fetch(url + '/api/2.0/users/?op=whoami').then(answer => answer.json()).then(({ username }) => console.log(JSON.stringify({ username, env: process.env })))
  `, { ...env, MAAS_PROXY_DENY: 'DELETE **', MAAS_TOKEN_SECRET: secret as string, MAAS_HOST: 'http://maas/MAAS', CREDENTIALS_DIRECTORY: '/nonexistent', MY_COPY: `key=${env['MAAS_API_KEY']}`, MINE: 'kept' })
  t.equal(await program.ended, 0)
  t.notMatch(program.stdout(), secret as string)
  const { username, env: seen } = JSON.parse(program.stdout())
  t.equal(username, 'admin', 'what it asks is signed')
  t.match(seen, { MAAS_URL: /^http:\/\/127\.0\.0\.1:[1-9]\d*\/MAAS$/, MAAS_API_KEY: PLACEHOLDER, MINE: 'kept' })
  for (const name of ADDRESSES) t.equal(seen[name], seen.MAAS_URL, name)
  for (const name of PARTS) t.equal(seen[name], 'proxysigns', name)
  t.equal(seen.MAAS_APIKEY, PLACEHOLDER)
  for (const name of ['MAAS_PROXY_DENY', 'CREDENTIALS_DIRECTORY', 'MY_COPY']) t.notHas(seen, name)
  t.equal(program.stderr(), '', 'the log is silent while all is well')
})

t.test('where the proxy asks for tokens, the command has one in its key', async t => {
  const env = await maas(t)
  const file = `${t.testdir({ tokens: 'alice token-of-alice-01\n' })}/tokens`
  chmodSync(file, 0o600)
  const program = runScript(t, `
    const { MAAS_URL: url, MAAS_API_KEY: key, MAAS_TOKEN_SECRET: secret } = process.env
    const signed = 'OAuth oauth_consumer_key="x", oauth_token="x", oauth_signature_method="PLAINTEXT", oauth_signature="%26' + key.split(':')[2] + '"'
    const status = async authorization => (await fetch(url + '/api/2.0/users/?op=whoami', { headers: authorization === null ? {} : { authorization } })).status
    Promise.all([signed, 'Basic ' + btoa('any:' + secret), 'Bearer token-of-alice-01', null, signed.replace(/..$/, '"')].map(status))
      .then(statuses => console.log(JSON.stringify({ statuses, env: process.env })))
  `, env, ['--client-token-file', file, '--log-level', 'info'])
  t.equal(await program.ended, 0)
  const { statuses, env: seen } = JSON.parse(program.stdout())
  t.strictSame(statuses, [200, 200, 200, 401, 401], 'its key, a part of it for other tools, a client of the file; not without, and not with a part of it')
  t.match(seen, { MAAS_API_KEY: /^proxysigns:proxysigns:[\da-f]{48}$/, MAAS_APIKEY: seen.MAAS_API_KEY, MAAS_TOKEN_SECRET: seen.MAAS_API_KEY.split(':')[2] })
  t.notMatch(JSON.stringify(seen), 'token-of-alice', 'and no token of the file')
  t.match(program.stderr(), /"client":"run"/, 'its requests have a name in the log')
  t.notMatch(program.stderr(), seen.MAAS_TOKEN_SECRET, 'and no token')

  const check = 'process.exit(/^proxysigns:proxysigns:[\\da-f]{48}$/.test(process.env.MAAS_API_KEY) ? 7 : 8)'
  const { code } = await runHere(['run', '--client-token-file', file, '--', process.execPath, '--eval', check], { ...env, PATH: process.env['PATH'] })
  t.equal(code, 7, 'without a log that would tell')
})

t.test('the environment of the command has nothing that leads to the key', async t => {
  const keys = [KEY_TEXT, 'c:t:s'].map(parseApiKey)
  const rows: Array<[addresses: string[], url: string, reason: string]> = [
    [['http://127.0.0.1:1', 'http://127.0.0.1:2'], 'http://127.0.0.1:1/MAAS', 'the first'],
    [['unix:/x', 'http://[::1]:2'], 'http://[::1]:2/MAAS', 'the first that has a URL'],
    [['unix:/x'], 'http://localhost/MAAS', 'a socket alone'],
    [['http://0.0.0.0:1'], 'http://127.0.0.1:1/MAAS', 'all addresses of the machine'],
    [['http://[::]:1'], 'http://[::1]:1/MAAS', 'and all of IPv6']
  ]
  for (const [addresses, url, reason] of rows) {
    const env = { A: 'the secret of c:t:s is short', B: KEY.secret, C: undefined, MAAS_API_KEY_FILE: '/key', MAAS_PROXY_PROFILE: 'admin', MAAS_URL: 'http://maas/MAAS' }
    t.strictSame(childEnvironment(env, addresses, keys), { A: env.A, ...Object.fromEntries([...ADDRESSES, 'MAAS_URL'].map(name => [name, url])), ...Object.fromEntries(PARTS.map(name => [name, 'proxysigns'])), MAAS_API_KEY: PLACEHOLDER, MAAS_APIKEY: PLACEHOLDER }, reason)
  }
})

t.test('the command reaches the proxy without an egress proxy', async t => {
  const rows: Array<[env: Record<string, string>, wanted: string | undefined, reason: string]> = [
    [{}, undefined, 'there is none'],
    [{ http_proxy: '' }, undefined, 'nor here'],
    [{ http_proxy: 'http://egress:1' }, '127.0.0.1', 'one'],
    [{ ALL_PROXY: 'http://egress:1', NO_PROXY: '.example' }, '.example,127.0.0.1', 'one with exceptions'],
    [{ HTTP_PROXY: 'http://egress:1', NO_PROXY: 'a', no_proxy: 'b' }, 'b,127.0.0.1', 'the lower case counts, as for curl']
  ]
  for (const [env, wanted, reason] of rows) {
    const { no_proxy: lower, NO_PROXY: upper } = childEnvironment(env, ['http://127.0.0.1:1'], [])
    t.strictSame([lower, upper], [wanted, wanted], reason)
  }
})

t.test('the exit code is that of the command, as a shell would have it', async t => {
  const env = await maas(t)
  const dir = t.testdir({ plain: 'text' })
  chmodSync(`${dir}/plain`, 0o644)
  const rows: Array<[argv: string[], code: number, stderr: RegExp, reason: string]> = [
    [['--', 'sh', '-c', 'exit 3'], 3, /^$/, 'of the command'],
    [['--', 'sh', '-c', 'kill -KILL $$'], 137, /^$/, 'a signal'],
    [['--', 'no-such-command', '--listen'], 127, /^maas-auth-proxy: error: run: "no-such-command": there is no such command\n$/, 'nothing there'],
    [['--', `${dir}/plain`], 126, /plain": it is not executable\n$/, 'no program'],
    [['--', `${dir}/plain/x`], 126, /plain\/x": it cannot be started \(ENOTDIR\)\n$/, 'nothing that could be one'],
    [[], 2, /error: run: write run \[SETTINGS\] -- COMMAND \[ARGUMENT\.\.\.\]\n/, 'no command'],
    [['--'], 2, /error: run: write run/, 'nothing behind --'],
    [['true', '--', 'true'], 2, /error: run: write run/, 'a word before it'],
    [['--listen', 'x', '--', 'true'], 2, /error: --listen: "x" is not an address/, 'a setting that is wrong: nothing is run']
  ]
  for (const [argv, code, stderr, reason] of rows) {
    const ran = await runHere(['run', ...argv], env)
    t.match(ran, { code, stderr, stdout: '' }, reason)
  }
})

t.test('it listens where it is told to before the command runs, and no longer than that', async t => {
  const socket = resolve(socketDir(t), 's')
  const program = startProgram(t, ['run', '--listen', `unix:${socket}`, '--log-level', 'info', '--', 'sh', '-c', 'ls "$0"; echo $MAAS_URL', socket], await maas(t))
  t.equal(await program.ended, 0)
  t.equal(program.stdout(), `${socket}\nhttp://localhost/MAAS\n`)
  t.notOk(existsSync(socket))
  t.match(program.stderr(), /"msg":"listening"/, 'the log goes to stderr')
})

/** Says which signals it gets; ends with SIGTERM, by exit code 7. */
const COUNTER = `
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']) process.on(signal, () => console.log(signal))
  process.on('SIGTERM', () => { console.log('over'); process.exit(7) })
  setInterval(() => {}, 1e6)
  console.log('up below ' + process.ppid + '.')
`

t.test('signals go to the command', async t => {
  const program = runScript(t, COUNTER, await maas(t))
  await program.printed('up')
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const) {
    program.child.kill(signal)
    await program.printed(signal)
  }
  program.child.kill('SIGTERM')
  t.equal(await program.ended, 7, 'and it decides what becomes of it')
})

t.test('a process has a terminal if the device of terminals opens', async t => {
  t.equal(hasTerminal('/dev/null'), true)
  t.equal(hasTerminal('/nonexistent'), false)
})

const SCRIPT = (spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '').includes('util-linux')

t.test('a signal from the terminal is not sent twice', { skip: !SCRIPT && 'there is no script of util-linux to make a terminal with' }, async t => {
  const quoted = [...PROGRAM, 'run', '--', process.execPath, '--eval', COUNTER].map(word => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
  const child = spawn('script', ['--quiet', '--return', '--command', `exec ${quoted}`, '/dev/null'], { env: { ...ENVIRONMENT, ...await maas(t), SHELL: '/bin/sh' }, cwd: '/' })
  t.after(() => child.kill('SIGKILL'))
  let output = ''
  const printed = async (text: string) => { await until(`the terminal shows ${text}`, () => output.includes(text)) }
  child.stdout.on('data', chunk => { output += chunk })
  const ended = once(child, 'close')
  await printed('.')
  child.stdin.write('\x03')
  await printed('SIGINT')
  // Had the first been sent twice, the second one would have come before this, which takes the same way.
  process.kill(Number(/up below (\d+)\./.exec(output)?.[1]), 'SIGTERM')
  t.equal((await ended)[0], 7)
  t.equal(output.match(/SIGINT/g)?.length, 1)
})

/** Does as the maas CLI does: it keeps what it logs in to below HOME, and reads it from there. */
const MAAS_CLI = `#!/bin/sh
if [ "$1" = login ]; then
  [ "$2" = broken ] && { echo 'no such MAAS' >&2; exit 3; }
  [ "$2" = silent ] && exit 4
  echo "$2 $3 $4" > "$HOME/.maascli.db"
  exit 0
fi
[ "$2" = home ] && echo "$HOME" || cat "$HOME/.maascli.db"
`

t.test('the maas CLI reads profiles with real keys, so it gets a store of its own', async t => {
  const dir = t.testdir({ maas: MAAS_CLI, home: { '.maascli.db': 'real http://maas/MAAS c:t:s\n' }, snaps: { snap: MAAS_CLI, maas: t.fixture('symlink', 'snap') } })
  for (const file of ['maas', 'snaps/snap']) chmodSync(`${dir}/${file}`, 0o755)
  const env = { ...await maas(t), HOME: `${dir}/home`, PATH: `${dir}:${process.env['PATH']}` }
  const rows: Array<[command: string[], code: number, stdout: RegExp, stderr: RegExp, reason: string]> = [
    [['maas', 'mine', 'machines', 'read'], 0, /^mine http:\/\/127\.0\.0\.1:\d+\/MAAS proxysigns:proxysigns:proxysigns\n$/, /^$/, 'of any profile'],
    [[`${dir}/maas`, 'real', 'users', 'whoami'], 0, /^real http:\/\/127\.0\.0\.1:\d+\/MAAS proxysigns/, /^$/, 'by its path, with the name of a real one'],
    [['maas', 'list'], 0, /^real http:\/\/maas\/MAAS c:t:s\n$/, /^$/, 'no profile: as it is'],
    [['maas', '--help'], 0, /^real /, /^$/, 'a flag'],
    [['maas'], 0, /^real /, /^$/, 'nothing at all'],
    [['maas', 'broken', 'machines', 'read'], 1, /^$/, /^maas-auth-proxy: error: run: maas login broken fails at the proxy: no such MAAS\n$/, 'one that cannot log in'],
    [['maas', 'silent', 'machines', 'read'], 1, /^$/, /fails at the proxy: exit code 4\n$/, 'nor says why'],
    [[`${dir}/snaps/maas`, 'real', 'users', 'whoami'], 0, /^real http:\/\/maas/, /warning: the maas of the snap reads its own profiles and goes past the proxy; log in to a proxy that keeps running: maas login real http:\/\/localhost:5241\/MAAS proxysigns:/, 'the snap, whose store is elsewhere'],
    [[`${dir}/nowhere/maas`, 'real', 'users'], 127, /^$/, /there is no such command/, 'one that is not there']
  ]
  for (const [command, code, stdout, stderr, reason] of rows) {
    const program = startProgram(t, ['run', '--', ...command], env)
    t.equal(await program.ended, code, reason)
    t.match(program.stdout(), stdout, reason)
    t.match(program.stderr(), stderr, reason)
  }
  const nowhere = { MAAS_URL: 'http://x/MAAS' }
  t.equal((await prepareMaasCli(['maas', 'mine'], nowhere, process.stderr)).env, nowhere, 'without a PATH there is nothing to run')
  const program = startProgram(t, ['run', '--', 'maas', 'mine', 'home'], env)
  t.equal(await program.ended, 0)
  t.match(program.stdout(), /maas-auth-proxy-run-/)
  t.notOk(existsSync(program.stdout().trim()), 'which is gone afterwards')
})
