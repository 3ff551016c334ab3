import t, { type Test } from 'tap'
import { fastify } from 'fastify'
import { chmodSync } from 'node:fs'
import { createServer } from 'node:http'
import { createSigner, maasAuthProxy, SettingsError } from '../src/index.ts'
import { runHere } from './helper/process.ts'
import { startTestProxy, testConfig } from './helper/proxy.ts'
import { exchange, jsonBody, listenOn, rawUpstream } from './helper/sockets.ts'

// What somebody is told who made a mistake: the whole text, as it is read. HIDDEN stands for a secret in the wrong
// place.

const KEY = 'a1234567890123456B:c1234567890123456D:e123456789012345678901234567890F'
const URL_ONLY = { MAAS_URL: 'http://localhost:5240/MAAS' }
const MAAS = { ...URL_ONLY, MAAS_API_KEY: KEY }

const FILES = {
  key: KEY,
  'quoted-key': `"${KEY}"`,
  'variable-key': `MAAS_API_KEY=${KEY}`,
  'two-keys': `${KEY}\n${KEY}\n`,
  'empty-key': '',
  'broken.json': '{\n  "allow": [GET machines/]\n}',
  'typo.json': '{"allow": ["GET machnes/"]}',
  'words.json': '{"allows": []}',
  tokens: 'alice\n',
  'no-tokens': '# nobody\n',
  'broken.pem': 'no certificate',
  '.env.test': 'MAAS_PROXY_LISTN=:1\n',
  'alias.yaml': 'maas-url: http://maas:5240/MAAS\napi-key-file: key\nlisteners:\n  - listen: 5241\n    allow: [* machines/**]\n',
  'anchor.yaml': 'listeners:\n  - allow: [*machines]\n',
  'tab.yaml': 'listeners:\n\t- listen: 5241\n',
  'twice.yaml': 'log-level: info\nlog-level: warn\nlisteners: [{}]\n',
  'bracket.yaml': 'listeners:\n  - allow: [GET machines/**\n    listen: 5241\n',
  'colon.yaml': 'maas-url: http://maas:5240/MAAS\napi-key-file: key\nlisteners:\n  - listen 5241\n',
  'typo.yaml': 'maas-url: http://maas:5240/MAAS\napi-key-file: key\nlisteners:\n  - lisen: 5241\n    read-only: true\n',
  'rule.yaml': 'maas-url: http://maas:5240/MAAS\napi-key-file: key\nlisteners:\n  - allow:\n      - GET machines/**\n      - GET machnes/**\n',
  'deep.yaml': 'maas-url: http://maas:5240/MAAS\napi-key-file: key\nlisteners:\n  - log-level: debug\n',
  'flat.yaml': 'maas-url: http://maas:5240/MAAS\nlisten: 5241\nread-only: true\n',
  'secret.yaml': `maas-url: http://maas:5240/MAAS\napi_key: ${KEY}\nlisteners: [{}]\n`,
  'url.yaml': 'mass-url: http://maas:5240/MAAS\napi-key-file: key\nlisteners: [{}]\n',
  'empty.yaml': 'listeners: [{}]\n',
  'a file.yaml': 'listeners: [{}]\nlisen: 5241\nmaas-url: http://maas:5240/MAAS\napi-key-file: key\n',
  'anchors.yaml': 'allow: &x &y GET machines/\n',
  'shared.yaml': 'maas-url: http://maas:5240/MAAS\napi-key-file: key\ndeny: &rules [GET machnes/]\nlisteners:\n  - allow: *rules\n    deny: [GET machines/]\n',
  'list-key.yaml': 'maas-url: http://maas:5240/MAAS\napi-key-file: key\nlisteners: [{}]\n? [a]\n: b\n',
  'long.yaml': `maas-url: http://maas:5240/MAAS\napi-key-file: key\nlisteners: [{}]\nlisen: ${'5'.repeat(13)}${' '.repeat(120)}x\n`,
  'letters.yaml': 'maas-url: http://maas:5240/MAAS\napi-key-file: key\nlisteners: [{}]\nlisen: ä\n',
  'password.yaml': 'maas-url: http://u:HIDDEN@maas:5240/MAAS\napi-key-file: key\nlisteners: [{}]\n',
  'text.yaml': 'hello\n',
  'open.yaml': 'maas-url: http://localhost:5240/MAAS\napi-key-file: key\nlisteners:\n  - listen: 0.0.0.0:5241\n'
}

/** The command line behind `argv`, the environment, and everything that is told. */
type Row = [argv: string[], env: Record<string, string>, wanted: string]

/** The form of a line in a file of tokens. */
const LINE = 'NAME TOKEN, or NAME sha256:HEX, and then perhaps expires=2026-12-31, read-only, allow="METHOD PATH", deny="METHOD PATH"'

const FOOT = 'maas-auth-proxy: hint: maas-auth-proxy help settings explains all settings, maas-auth-proxy --help shows commands\n'

async function told (t: Test, argv: readonly string[], rows: readonly Row[]): Promise<void> {
  const before = process.cwd()
  t.after(() => { process.chdir(before) })
  process.chdir(t.testdir(FILES))
  for (const name of Object.keys(FILES)) chmodSync(name, 0o600)
  for (const [words, env, wanted] of rows) {
    const { code, stdout, stderr } = await runHere([...argv, ...words], env)
    const text = stderr.replaceAll('maas-auth-proxy: error: ', '').replace(FOOT, '').trimEnd()
    t.equal(text, wanted, [...Object.keys(env).filter(name => !(name in MAAS)), ...words].join(' ') || 'nothing is set')
    t.strictSame([code, stdout], [2, ''])
    t.notMatch(stderr, new RegExp(`HIDDEN|${KEY}`), 'no secret is repeated')
  }
}

t.test('flags of other programs get a suggestion', async t => {
  await told(t, [], [
    [['start'], {}, 'start: no such command; write maas-auth-proxy serve'],
    [['--port', '8080'], {}, '--port: no such flag; write --listen PORT'],
    [['--host', '0.0.0.0'], {}, '--host: no such flag; write --listen HOST:PORT'],
    [['-p', '8080'], {}, '-p: no such flag; write --listen PORT'],
    [['-v'], {}, '-v: no such flag; write --log-level debug, --verbose for check, or --version'],
    [['-read-only'], {}, '-read-only: no such flag; write --read-only, with two dashes'],
    [['-verbose'], {}, '-verbose: no such flag; write --verbose, with two dashes'],
    [['-read-onyl'], {}, '-read-onyl: no such flag; did you mean --read-only?'],
    [['-port', '8080'], {}, '-port: no such flag; write --listen PORT'],
    [['-p8080'], {}, '-p: no such flag; write --listen PORT'],
    [['-xkHIDDEN'], {}, '-x: no such flag'],
    [['--api-key=HIDDEN'], {}, '--api-key: no such flag; set MAAS_API_KEY, or write --api-key-file FILE, because ps shows flags'],
    [['--url=http://maas'], {}, '--url: no such flag; write --maas-url URL'],
    [['-k'], {}, '-k: no such flag; write --ca-file FILE, or --insecure-skip-tls-verify, which gives the key to whoever answers'],
    [['--password', 'HIDDEN'], {}, '--password: no such flag; write --api-key-file FILE: MAAS has keys, no passwords, for its API'],
    [['version'], {}, 'version: no such command; write maas-auth-proxy --version'],
    [['status'], {}, 'status: no such command; write maas-auth-proxy ready'],
    [['stop'], {}, 'stop: no such command; SIGTERM or Control-C ends the proxy that runs'],
    [['http://maas.example:5240/MAAS/'], {}, 'an address is not a command; write --maas-url http://maas.example:5240/MAAS'],
    [['http://u:HIDDEN@maas/'], {}, 'an address is not a command; write --maas-url URL'],
    [['localhost:8080'], {}, 'an address is not a command; write --listen localhost:8080'],
    [[':99999'], {}, 'no such command'],
    [['8080'], {}, 'an address is not a command; write --listen 8080'],
    [['unix:/run/x.sock'], {}, 'an address is not a command; write --listen unix:/run/x.sock'],
    [['proxy.yaml'], {}, 'proxy.yaml: is not a command; write --config proxy.yaml'],
    [['my.env'], {}, 'my.env: is not a command; write --env-file my.env'],
    [['GET', 'machines/'], {}, "a method is not a command; to ask whether rules allow an operation, write policy test 'METHOD PATH'"],
    [['serve', '8080'], {}, 'serve: has a word too many; an address is not a command; write --listen 8080'],
    [['check', 'x'], {}, 'check: has a word too many; a setting is given as --NAME VALUE'],
    [['--allow', 'GET', 'machines/'], {}, "word 3 follows --allow GET; quote the rule: --allow 'GET machines/'"],
    [['--deny', '*', 'HIDDEN'], {}, "word 3 follows --deny *; quote the rule: --deny '* PATH'"],
    [['policy', 'test', 'GET', 'machines/'], {}, 'policy test: quote the operation; write policy test "METHOD PATH[?op=NAME]", or policy test --recording FILE'],
    [['run', './script.sh'], {}, 'run: write run [SETTINGS] -- COMMAND [ARGUMENT...]'],
    [['completion', 'powershell'], {}, 'completion: write completion bash, or completion zsh, or completion fish'],
    [['--read-only', 'false'], {}, 'false: is not a command; a switch takes a value only behind an equals sign, as in --read-only=false'],
    [['--listen', '--read-only'], {}, '--listen: needs a value: --listen ADDRESS'],
    [['--config'], {}, '--config: needs a value: --config FILE'],
    [['dmo'], {}, 'no such command; did you mean demo?'],
    [['serve', '--', 'x'], {}, 'serve: has a word too many; a setting is given as --NAME VALUE'],
    [['explain', '503'], {}, 'explain: the status 503 is that of MAAS_PROXY_CLIENT_KEYS_UNAVAILABLE, MAAS_PROXY_FORM_MEMORY_EXHAUSTED, MAAS_PROXY_SHUTTING_DOWN, MAAS_PROXY_OUT_OF_FILES, MAAS_PROXY_QUEUE_TIMED_OUT; explain one of them'],
    [['run', '--json', '--', 'x'], {}, '--json: run has no answer in JSON']
  ])
})

t.test('mistakes in settings are told with what to write', async t => {
  await told(t, ['config', 'print'], [
    [[], {}, 'MAAS_URL: not set; say where MAAS is, as in MAAS_URL=http://maas.example:5240/MAAS\nMAAS_API_KEY: not set; set it, or name a file that holds the key with --api-key-file, or a profile of the maas CLI with --profile'],
    [[], { MAAS_API_URL: 'http://maas/MAAS', MAAS_APIKEY: 'HIDDEN' }, 'MAAS_URL: not set, and MAAS_API_URL is not read; say where MAAS is, as in MAAS_URL=http://maas.example:5240/MAAS\nMAAS_API_KEY: not set, and MAAS_APIKEY is not read; set it, or name a file that holds the key with --api-key-file, or a profile of the maas CLI with --profile'],
    [[], { MAAS_PROXY_URL: 'http://maas/MAAS', MAAS_PROXY_API_KEY: 'HIDDEN' }, 'MAAS_PROXY_URL: no such variable; did you mean MAAS_URL?\nMAAS_PROXY_API_KEY: no such variable; did you mean MAAS_API_KEY?'],
    [[], { ...MAAS, MAAS_URL: 'http://127.0.0.1:15240' }, 'MAAS_URL: has no path; did you mean http://127.0.0.1:15240/MAAS?'],
    [[], { ...MAAS, MAAS_URL: 'maas.example' }, 'MAAS_URL: has no scheme; did you mean http://maas.example:5240/MAAS?'],
    [[], { ...MAAS, MAAS_URL: '"http://maas:5240/MAAS"' }, 'MAAS_URL: has quotes around its value; leave them out'],
    [[], { ...MAAS, MAAS_URL: 'http://maas/maas' }, 'MAAS_URL: has its path not in upper case; did you mean http://maas/MAAS?'],
    [[], { ...MAAS, MAAS_API_KEY: `'${KEY}'` }, 'MAAS_API_KEY: has a quote at its start; leave the quotes out; MAAS shows it under "API keys" in the user\'s preferences'],
    [[], { ...MAAS, MAAS_API_KEY: 'x:x:x' }, 'MAAS_API_KEY: is the placeholder, not a key of a user; MAAS shows it under "API keys" in the user\'s preferences'],
    [[], { ...MAAS, MAAS_API_KEY: 'c:HIDDEN' }, 'MAAS_API_KEY: not an API key of the form consumer:token:secret (found 2 of 3 parts); MAAS shows it under "API keys" in the user\'s preferences'],
    [['--api-key-file', 'quoted-key'], URL_ONLY, '--api-key-file: has a quote at its start; leave the quotes out; MAAS shows it under "API keys" in the user\'s preferences'],
    [['--api-key-file', 'variable-key'], URL_ONLY, '--api-key-file: is a variable, not a key; keep only what stands behind the equals sign; MAAS shows it under "API keys" in the user\'s preferences'],
    [['--api-key-file', 'two-keys'], URL_ONLY, '--api-key-file: has a character inside that no API key has (a space, a line break or one beyond ASCII); give one key and nothing else'],
    [['--api-key-file', 'empty-key'], URL_ONLY, '--api-key-file: not an API key of the form consumer:token:secret (found nothing); MAAS shows it under "API keys" in the user\'s preferences'],
    [['--api-key-file', 'none'], URL_ONLY, '--api-key-file: "none": there is no such file'],
    [['--api-key-file', '~/key'], URL_ONLY, '--api-key-file: "~/key": there is no such file; no shell has replaced ~: write the directory, or $HOME'],
    [['--profile', 'admn'], { HOME: '.' }, '--profile: there is no profile "admn", and no other, in ".maascli.db" or "snap/maas/current/.maascli.db"; maas login makes one'],
    [['--env-file', 'none'], {}, '--env-file: "none": there is no such file'],
    [['--env-file', '.env.test'], MAAS, 'MAAS_PROXY_LISTN (.env.test): no such variable; did you mean MAAS_PROXY_LISTEN?'],
    [['--listen', 'localhost'], MAAS, '--listen: "localhost" is not an address to listen on; did you mean "localhost:5241"?'],
    [['--listen', '127.0.0.1'], MAAS, '--listen: "127.0.0.1" is not an address to listen on; did you mean "127.0.0.1:5241"?'],
    [['--listen', '::1'], MAAS, '--listen: "::1" is not an address to listen on; did you mean "[::1]:5241"?'],
    [['--listen', '::1:80'], MAAS, '--listen: "::1:80" is not an address to listen on; did you mean "[::1]:80"?'],
    [['--listen', 'http://localhost:80'], MAAS, '--listen: "http://localhost:80" is not an address to listen on; did you mean "localhost:80"?'],
    [['--listen', '*:5241'], MAAS, '--listen: "*" is not a host; to listen on all addresses, write "0.0.0.0:5241"'],
    [['--listen', '/run/x.sock'], MAAS, '--listen: "/run/x.sock" is not an address to listen on; did you mean "unix:/run/x.sock"?'],
    [['--listen', '~/x.sock'], MAAS, '--listen: "~/x.sock" is not an address to listen on; did you mean "unix:$HOME/x.sock"?'],
    [['--listen', '0.0.0.0:5241'], MAAS, '--listen: http://0.0.0.0:5241 can be reached from other machines, and whoever reaches it has the whole power of the API key; listen on loopback, or give --allow-non-loopback and tokens for clients with --client-token-file'],
    [['--listen', ':70000'], MAAS, '--listen: port 70000 is not between 0 and 65535'],
    [['--listen', ':5241', '--admin-listen', '5241'], MAAS, '--listen: http://127.0.0.1:5241 is given twice; every listener needs an address of its own'],
    [['--connect-timeout', '10'], MAAS, '--connect-timeout: "10" is not a time; write a whole number and a unit: 500ms, 10s, 15m or 1h; did you mean 10s?'],
    [['--connect-timeout', '10 sec'], MAAS, '--connect-timeout: "10 sec" is not a time; write a whole number and a unit: 500ms, 10s, 15m or 1h; did you mean 10s?'],
    [['--connect-timeout', '2d'], MAAS, '--connect-timeout: "2d" is not a time; write a whole number and a unit: 500ms, 10s, 15m or 1h'],
    [['--connect-timeout', '90min'], MAAS, '--connect-timeout: "90min" is not a time; write a whole number and a unit: 500ms, 10s, 15m or 1h; did you mean 90m?'],
    [['--connect-timeout', '1 hour'], MAAS, '--connect-timeout: "1 hour" is not a time; write a whole number and a unit: 500ms, 10s, 15m or 1h; did you mean 1h?'],
    [['--connect-timeout', '300 millis'], MAAS, '--connect-timeout: "300 millis" is not a time; write a whole number and a unit: 500ms, 10s, 15m or 1h; did you mean 300ms?'],
    [['--log-level', 'INFO'], MAAS, '--log-level: "INFO" is not one of trace, debug, info, warn, error, fatal, silent; did you mean info?'],
    [['--log-level', 'loud'], MAAS, '--log-level: "loud" is not one of trace, debug, info, warn, error, fatal, silent'],
    [['--policy-mode', 'audit'], MAAS, '--policy-mode: "audit" is not one of enforce, warn'],
    [['--read-only=maybe'], MAAS, '--read-only: "maybe" is neither true nor false; write one of them, or yes or no'],
    [['--allow-origin', 'localhost:3000'], MAAS, '--allow-origin: "localhost:3000" is not an origin; did you mean http://localhost:3000?'],
    [['--allow-origin', '*'], MAAS, '--allow-origin: "*" is not an origin; write it as browsers send it: http://HOST:PORT'],
    [['--allow-host', 'http://proxy.example:80/'], MAAS, '--allow-host: "http://proxy.example:80/" is not a host name, an address or *; did you mean proxy.example?'],
    [['--allow-host', 'a b'], MAAS, '--allow-host: "a b" is not a host name, an address or *'],
    [['--socket-mode', '0o660'], MAAS, '--socket-mode: "0o660" is not a file mode; write three octal digits, as in 0660'],
    [['--ca-file', 'broken.pem'], { ...MAAS, MAAS_URL: 'https://maas:5443/MAAS' }, '--ca-file: "broken.pem": has no certificate in PEM (-----BEGIN CERTIFICATE-----)'],
    [['--client-cert-file', 'broken.pem', '--client-key-file', 'broken.pem'], { ...MAAS, MAAS_URL: 'https://maas:5443/MAAS' }, '--client-cert-file: "broken.pem": has no certificate in PEM (-----BEGIN CERTIFICATE-----)\n--client-key-file: "broken.pem": has no private key in PEM (-----BEGIN PRIVATE KEY-----)'],
    [['--client-token-file', 'tokens'], MAAS, `--client-token-file: "tokens": line 1 is not ${LINE}`],
    [['--client-token-file', 'none', '--listen', '0.0.0.0:1', '--allow-non-loopback'], MAAS, '--client-token-file: "none": there is no such file'],
    [['--client-token-file', 'no-tokens'], MAAS, '--client-token-file: "no-tokens": has no client; write a line NAME TOKEN for each, maas-auth-proxy token NAME makes one'],
    [[], { ...MAAS, MAAS_PROXY_READ_ONLY: 'on' }, 'MAAS_PROXY_READ_ONLY: "on" is neither true nor false; write one of them, or yes or no']
  ])
})

t.test('mistakes in rules are told with what to write', async t => {
  await told(t, ['config', 'print'], [
    [['--allow', 'get machines/'], MAAS, '--allow: "get machines/" is not a rule; did you mean "GET machines/"?'],
    [['--allow', 'machines/'], MAAS, '--allow: "machines/" is not a rule; did you mean "GET machines/"?'],
    [['--allow', '/MAAS/api/2.0/machines/'], MAAS, '--allow: "/MAAS/api/2.0/machines/" is not a rule; did you mean "GET machines/"?'],
    [['--allow', 'GET http://localhost:5241/MAAS/api/2.0/machines/'], MAAS, '--allow: "GET http://localhost:5241/MAAS/api/2.0/machines/" means no operation of MAAS; did you mean "GET machines/"?'],
    [['--allow', 'PATCH machines/*'], MAAS, '--allow: "PATCH machines/*" is not a rule; did you mean "PUT machines/*"?'],
    [['--allow', 'GET machnes/'], MAAS, '--allow: "GET machnes/" means no operation of MAAS; did you mean "GET machines/"?'],
    [['--allow', 'GET machines/**/x'], MAAS, '--allow: "GET machines/**/x": "**": a star stands for a whole segment, two stars at the end for any further segments; write METHOD[,METHOD] PATH[?op=NAME], as in "POST machines/*?op=power_on"'],
    [['--allow', 'machines'], MAAS, '--allow: "machines" is not a rule; did you mean "GET machines"?'],
    [['--allow', 'GET machines/ abc'], MAAS, '--allow: "GET machines/ abc": write METHOD[,METHOD] PATH[?op=NAME], as in "POST machines/*?op=power_on"'],
    [['--allow', 'nonsense'], MAAS, '--allow: "nonsense": write METHOD[,METHOD] PATH[?op=NAME], as in "POST machines/*?op=power_on"'],
    [['--allow', 'GET machines/?operation=x'], MAAS, '--allow: "GET machines/?operation=x": after the question mark, write op=NAME and nothing else; write METHOD[,METHOD] PATH[?op=NAME], as in "POST machines/*?op=power_on"'],
    [['--policy', 'broken.json'], MAAS, '--policy: "broken.json": not JSON; every text stands in double quotes, and no comma before a bracket'],
    [['--policy', 'typo.json'], MAAS, '--policy: "typo.json": allow[0]: "GET machnes/" means no operation of MAAS; did you mean "GET machines/"?'],
    [['--policy', 'words.json'], MAAS, '--policy: "words.json": has an unknown key "allows"; the keys are allow and deny'],
    [['--read-only', '--allow', 'POST machines/'], MAAS, '--read-only and --allow "POST machines/": contradict each other; keep one']
  ])
})

t.test('mistakes in the configuration file are told with what to write', async t => {
  await told(t, ['config', 'print'], [
    [['--config', 'alias.yaml'], {}, "alias.yaml:5:13: is neither YAML nor JSON: a star at the start of a text is an alias in YAML; quote the rule: '* machines/**' (BAD_ALIAS)\n  5 |     allow: [* machines/**]\n    |             ^"],
    [['--config', 'anchor.yaml'], {}, "anchor.yaml:2:13: a star at the start of a text is an alias in YAML; quote the rule: '* machines/**'\n  2 |   - allow: [*machines]\n    |             ^"],
    [['--config', 'tab.yaml'], {}, 'tab.yaml:2:1: is neither YAML nor JSON: a tab indents the line; YAML takes spaces only (TAB_AS_INDENT)\n  2 |  - listen: 5241\n    | ^'],
    [['--config', 'twice.yaml'], {}, 'twice.yaml:2:1: is neither YAML nor JSON: the key is given twice; keep one (DUPLICATE_KEY)\n  2 | log-level: warn\n    | ^'],
    [['--config', 'bracket.yaml'], {}, 'bracket.yaml:3:5: is neither YAML nor JSON: the line is not indented as it must be, or a bracket or brace before it is not closed (BAD_INDENT)\n  3 |     listen: 5241\n    |     ^'],
    [['--config', 'colon.yaml'], {}, 'colon.yaml:4:5: listeners[0] is not an object of settings; write KEY: VALUE\n  4 |   - listen 5241\n    |     ^'],
    [['--config', 'typo.yaml'], {}, 'typo.yaml:4:5: listeners[0].lisen: no such setting; did you mean listen?\n  4 |   - lisen: 5241\n    |     ^'],
    [['--config', 'rule.yaml'], {}, 'rule.yaml:6:9: listeners[0].allow: "GET machnes/**" means no operation of MAAS; did you mean "GET machines/*"?\n  6 |       - GET machnes/**\n    |         ^'],
    [['--config', 'deep.yaml'], {}, 'deep.yaml:4:5: listeners[0].log-level: is a setting of the whole program; move it out of the listener\n  4 |   - log-level: debug\n    |     ^'],
    [['--config', 'flat.yaml'], {}, '--config: "flat.yaml": has no list listeners; write an entry for each listener, as in listeners: [{ listen: 127.0.0.1:5241 }]'],
    [['--config', 'secret.yaml'], {}, 'secret.yaml:2:1: api_key: no such setting; did you mean api-key?'],
    [['--config', 'url.yaml'], {}, 'url.yaml:1:1: mass-url: no such setting; did you mean maas-url?\n  1 | mass-url: http://maas:5240/MAAS\n    | ^'],
    [['--config', 'empty.yaml'], {}, 'maas-url: not set in "empty.yaml"; write a line maas-url: http://maas.example:5240/MAAS\napi-key-file: not set in "empty.yaml"; write a line api-key-file: FILE, with the file that holds the key'],
    [['--config', 'a file.yaml'], {}, '"a file.yaml":2:1: lisen: no such setting; did you mean listen?\n  2 | lisen: 5241\n    | ^'],
    [['--config', 'anchors.yaml'], {}, 'anchors.yaml:1:11: is neither YAML nor JSON: the parser does not understand this (MULTIPLE_ANCHORS)\n  1 | allow: &x &y GET machines/\n    |           ^'],
    [['--config', 'shared.yaml'], {}, 'shared.yaml:5:5: listeners[0].allow: "GET machnes/" means no operation of MAAS; did you mean "GET machines/"?\n  5 |   - allow: *rules\n    |     ^'],
    [['--config', 'list-key.yaml'], {}, 'list-key.yaml:1:1: "[ a ]": no such setting\n  1 | maas-url: http://maas:5240/MAAS\n    | ^'],
    [['--config', 'long.yaml'], {}, 'long.yaml:4:1: lisen: no such setting; did you mean listen?'],
    [['--config', 'letters.yaml'], {}, 'letters.yaml:4:1: lisen: no such setting; did you mean listen?'],
    [['--config', 'password.yaml'], {}, 'password.yaml:1:1: maas-url: has a user name or password in it, which MAAS does not take; put the API key into MAAS_API_KEY, and write http://maas:5240/MAAS'],
    [['--config', 'text.yaml'], {}, '--config: "text.yaml": is not an object of settings; write KEY: VALUE'],
    [['--config', 'open.yaml'], {}, 'open.yaml:4:5: listeners[0]: --listen: http://0.0.0.0:5241 can be reached from other machines, and whoever reaches it has the whole power of the API key; listen on loopback, or give --allow-non-loopback and tokens for clients with --client-token-file']
  ])
})

t.test('mistakes in requests are told with what to do', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  const remedy = 'use its address in place of that of MAAS, http://HOST:PORT/MAAS/api/2.0/..., and leave out curl -x or http_proxy'
  const rows: Array<[line: string, code: string, message: string]> = [
    ['GET http://maas:5240/MAAS/api/2.0/machines/', 'TARGET_MALFORMED', 'the request target is a whole URL, as for a forward proxy, and this is no forward proxy'],
    ['CONNECT maas:5443', 'METHOD_UNSUPPORTED', 'the client asks for a tunnel with CONNECT, and this is no forward proxy']
  ]
  for (const [line, code, message] of rows) {
    const { error } = jsonBody(await exchange(proxy.port, `${line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)) as { error: unknown }
    t.strictSame(error, { code: `MAAS_PROXY_${code}`, message, remedy }, line)
  }
  const https = await startTestProxy(t, testConfig(`https://127.0.0.1:${await listenOn(t, createServer((_request, response) => { response.end() }))}/MAAS`))
  t.match(jsonBody(await exchange(https.port, 'GET /MAAS/api/2.0/machines/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')), {
    error: { message: 'MAAS speaks http there, not https; nothing was sent', remedy: 'write http:// in MAAS_URL, or the port for https (5240 is for http, 5443 for https)' }
  }, 'https on a port of http')
})

t.test('mistakes with the library are told as errors of ours', async t => {
  const rows: Array<[key: unknown, wanted: string]> = [
    [undefined, 'createSigner: takes the API key as a text, consumer:token:secret; it is undefined, perhaps a variable that is not set'],
    [5, 'createSigner: takes the API key as a text, consumer:token:secret; it is of the type number'],
    [null, 'createSigner: takes the API key as a text, consumer:token:secret; it is of the type object'],
    [`"${KEY}"`, 'createSigner: has a quote at its start; leave the quotes out; MAAS shows it under "API keys" in the user\'s preferences']
  ]
  for (const [key, message] of rows) t.throws(() => createSigner(key as string), new SettingsError([message]))
  const app = fastify()
  t.after(async () => { await app.close() })
  await app.register(maasAuthProxy, { maasUrl: MAAS.MAAS_URL, apiKey: KEY })
  await t.rejects(async () => {
    await app.register(maasAuthProxy, { maasUrl: MAAS.MAAS_URL, apiKey: KEY })
  }, new SettingsError([
    '/MAAS/*: the server has this route already; register the plugin once, and no route of yours there'
  ]), 'registered twice')
})
