import t from 'tap'
import { execFileSync } from 'node:child_process'
import { COMMANDS } from '../../src/cli/cli.ts'
import { OTHER_FLAGS, parseCommandLine } from '../../src/cli/flags.ts'
import { ERROR_EXAMPLES } from '../../src/cli/help/error-examples.ts'
import { EXAMPLES, RULES } from '../../src/cli/help/sections.ts'
import { wrap } from '../../src/cli/help/text.ts'
import { TOPICS } from '../../src/cli/help/topics.ts'
import { checkUsage } from '../../src/cli/usage.ts'
import { ERRORS } from '../../src/errors.ts'
import { parseKnownRule } from '../../src/settings/rules.ts'
import { runHere } from '../helper/process.ts'

/** The words of a line as a shell splits it. */
function shellWords (line: string): string[] {
  const [command = ''] = line.split(/ (?:>>?|\|) /)
  return execFileSync('sh', ['-c', `printf '%s\\n' ${command}`], { encoding: 'utf8' }).trimEnd().split('\n')
}

t.test('--help is one screen that begins with examples', async t => {
  for (const argv of [['--help'], ['-h'], ['help']]) {
    const { code, stdout, stderr } = await runHere(argv)
    t.strictSame([code, stderr], [0, ''], argv.join(' '))
    const lines = stdout.split('\n')
    t.ok(lines.length <= 44, `${lines.length} lines`)
    t.strictSame(lines.filter(line => line.length > 100), [], 'no line is longer than 100 characters')
    t.match(stdout, /^usage: maas-auth-proxy \[COMMAND\] \[SETTINGS\]\n[^]*\nexamples:\n(?: {2}.*\n)+\ncommands:\n(?: {2}.*\n)+\nsettings/)
    t.match(stdout, /\n {2}rules {8}--read-only, --allow/, 'settings stand in groups')
  }
  t.equal(EXAMPLES.length, 5)
})

t.test('every example is a command line that the program takes', async t => {
  const lines = [...EXAMPLES, ...Object.values(COMMANDS).flatMap(({ examples }) => examples)].map(([line]) => line)
  for (const line of lines) {
    const { words: [name = 'serve', ...rest], operands } = parseCommandLine(shellWords(line))
    const command = COMMANDS[name]
    t.ok(command, line)
    if (command !== undefined) t.doesNotThrow(() => { checkUsage(name, command, rest, operands) }, line)
  }
})

t.test('a command has help of its own, and a topic too', async t => {
  const rows: Array<[argv: string[], wanted: RegExp, reason: string]> = [
    [['run', '--help'], /^usage: maas-auth-proxy run \[SETTINGS\] -- COMMAND \[ARGUMENT\.\.\.\]\n\n.*\n.*\.\n\nexamples:\n {2}maas-auth-proxy run --read-only/, 'a command'],
    [['--help', 'policy'], /^usage: maas-auth-proxy policy list\n {7}maas-auth-proxy policy test "METHOD PATH/, 'one with two forms'],
    [['help', 'demo'], /^usage: maas-auth-proxy demo\n/, 'by the command help'],
    [['help', '--help'], /^usage: maas-auth-proxy help\n {7}maas-auth-proxy help settings\n/, 'the help of help'],
    [['config', '--help'], /^usage: maas-auth-proxy config print\n/, 'a command that has the name of a topic'],
    [['policy', '--help'], /\n\nflags:\n {2}--client\n {6}the client whose rules [^]*\n {2}--recording\n {6}test, unused: the file [^]*\n {2}--exact\n {6}learn: keep [^]*\n {2}--by-client\n {6}learn: [^]*\n {2}--flags\n {6}learn: .*\n\nsettings may stand before and after policy and its words: /, 'flags of its own, each with the form that takes it'],
    [['demo', '--help'], /\n\nflags:\n {2}--stand-in-only\n {6}start [^]*\n {2}--maas-version\n {6}the version [^]*\n {2}--json\n {6}answer in JSON\n\n/, 'the flags of the stand-in'],
    [['token', '--help'], /\n\nflags:\n {2}--expires\n {6}when the access of the client ends: 30d, 12h, .*\n/, 'a text with a colon of its own'],
    [['check', '--help'], /\n {2}--json\n {6}answer in JSON\n {2}--verbose\n {6}tell more\n\n/, 'flags that several commands take'],
    [['serve', '--help'], /\n\nsettings may stand before and after serve: maas-auth-proxy help settings\n$/, 'a command without words'],
    [['run', '--help'], /\n\nsettings may stand before and after run, up to --: /, 'behind -- are the words of another program'],
    [['help', 'config'], /^--config FILE describes several listeners [^]*\n {2}listeners:\n/, 'the topic of that name'],
    [['help', 'rules'], /^A rule is METHOD\[,METHOD\] PATH\[\?op=NAME\]\./, 'rules'],
    [['help', 'settings'], /\nMAAS:\n {2}--maas-url URL, MAAS_URL\n {6}address[^]*\nother flags:\n {2}--json\n/, 'settings'],
    [['help', 'errors'], /\n {2}MAAS_PROXY_HOST_REFUSED \(403\)\n[^]*\nexit codes:\n {2}0\n/, 'errors'],
    [['help', 'metrics'], /\n {2}maas_auth_proxy_ready\{key\}\n {6}gauge: 1 if MAAS/, 'metrics']
  ]
  for (const [argv, wanted, reason] of rows) {
    const { code, stdout } = await runHere(argv)
    t.equal(code, 0, reason)
    t.match(stdout, wanted, reason)
    t.notMatch(stdout, /[^\n]{121}/, 'no line is longer than 120 characters')
  }
  for (const argv of [['help', 'rulse'], ['rulse', '--help']]) {
    t.match(await runHere(argv), { code: 2, stdout: '', stderr: /^maas-auth-proxy: error: help: no such command or topic; did you mean rules\?\n/ })
  }
  t.match(await runHere(['help', 'c:t:HIDDEN-0123456789']), { code: 2, stderr: /help: no such command or topic; write help settings, help rules, help errors, help metrics, help config or help COMMAND\n/ })
  t.strictSame(Object.keys(TOPICS), ['settings', 'rules', 'errors', 'metrics', 'config'])
})

t.test('the help of a command has every flag that the command takes, and no other', async t => {
  const shared = ['--help', '--version']
  const others = Object.keys(OTHER_FLAGS).filter(flag => !shared.includes(flag))
  for (const [name, command] of Object.entries(COMMANDS)) {
    const { stdout } = await runHere([name, '--help'])
    const [, section = ''] = /\nflags:\n((?: {2}.*\n)+)/.exec(stdout) ?? []
    const shown = [...section.matchAll(/^ {2}(--\S+)$/gm)].map(([, flag]) => flag)
    const { ownFlags = [], json, verbose, standIn } = command
    const taken: Record<string, boolean> = { '--json': json === true, '--verbose': verbose === true, '--stand-in-only': standIn === true, '--maas-version': standIn === true }
    const wanted = others.filter(flag => taken[flag] ?? ownFlags.some(own => own === flag))
    t.strictSame(new Set(shown), new Set(wanted), name)
  }
})

t.test('the rules in the help are rules', async t => {
  const rules = RULES.rows.map(([term]) => term).filter(term => term.startsWith("'"))
  t.equal(rules.length, 4)
  for (const rule of rules) t.doesNotThrow(() => parseKnownRule(rule.slice(1, -1)), rule)
})

t.test('an error is explained by its code', async t => {
  for (const [code, { status, message }] of Object.entries(ERRORS)) {
    const { code: exitCode, stdout } = await runHere(['explain', code])
    t.equal(exitCode, 0)
    t.equal(stdout.split('\n')[0], `${code} (status ${status})`)
    t.match(stdout.replaceAll(/\s+/g, ' '), `what happened: ${message} what to do: `)
    t.match(stdout, /\nfor example:\n {2}\S/, code)
  }
  t.strictSame(Object.keys(ERROR_EXAMPLES), Object.keys(ERRORS), 'in the order of the table')
  const wanted = await runHere(['explain', 'MAAS_PROXY_HOST_REFUSED'])
  for (const word of ['HOST_REFUSED', 'host_refused', 'host-refused', 'maas-proxy-host-refused']) t.strictSame(await runHere(['explain', word]), wanted, word)
  t.match(await runHere(['explain', 'HOST_REFUSD']), { code: 2, stderr: /error: explain: no such code; did you mean MAAS_PROXY_HOST_REFUSED\? help errors lists all\n/ })
  t.match(await runHere(['explain']), { code: 2, stderr: /error: explain: write explain CODE\n/ })
})

t.test('a text is broken into lines at its spaces', async t => {
  t.equal(wrap('one two three', '', 7), 'one two\nthree')
  t.equal(wrap('one two three', '  ', 6), '  one\n  two\n  three', 'the indent counts, and a long word stays whole')
})
