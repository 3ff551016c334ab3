import t from 'tap'
import { withTables } from '../config/readme.ts'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { COMMANDS } from '../src/cli/cli.ts'
import { EXIT_STATUS } from '../src/cli/exit-status.ts'
import { manPage } from '../src/cli/commands/man-page.ts'
import { usagesOf } from '../src/cli/usage.ts'
import { ERRORS } from '../src/errors.ts'
import { describeMetrics } from '../src/observe/metrics/table.ts'
import { CATALOGUED, knownOperations } from '../src/policy/catalogue.ts'
import { commandHelp, overview } from '../src/cli/help/overview.ts'
import { TOPICS } from '../src/cli/help/topics.ts'
import { SETTINGS } from '../src/settings/table.ts'
import { optionalPackages } from '../src/package.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(resolve(ROOT, path), 'utf8')
const sources = readdirSync(resolve(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'))

/** The rooms from the top down. A file imports from its own room and from those below it. */
const ROOMS = [
  'main.ts', 'index.ts', 'cli', 'library', 'proxy', 'demo', 'respond', 'forward', 'admit', 'upstream', 'settings', 'listen', 'observe', 'exchange', 'policy',
  'http', 'performance', 'maas', 'text', 'environment.ts', 'errors.ts', 'package.ts'
]

/** A relative import, static or dynamic. */
const IMPORT = /(?:from |import |import\()'(\.[^']+)'/g

t.test('imports go downward only', async t => {
  for (const name of sources) {
    const [room = ''] = name.split('/')
    const level = ROOMS.indexOf(room)
    t.not(level, -1, `${room} has its place`)
    for (const [, target = ''] of read(`src/${name}`).matchAll(IMPORT)) {
      const [targetRoom = ''] = relative('.', resolve('/', dirname(name), target).slice(1)).split('/')
      t.ok(ROOMS.indexOf(targetRoom) >= level, `${name} imports ${target}, which is not above it`)
    }
  }
})

t.test('there are no circular imports', async t => {
  const targets = new Map(sources.map(name => [name, [...read(`src/${name}`).matchAll(IMPORT)]
    .map(([, target = '']) => relative('/', resolve('/', dirname(name), target)))]))
  const done = new Set<string>()
  const follow = (name: string, path: readonly string[]): void => {
    t.notOk(path.includes(name), [...path, name].join(' > '))
    if (done.has(name) || path.includes(name)) return
    for (const target of targets.get(name) ?? []) follow(target, [...path, name])
    done.add(name)
  }
  for (const name of sources) follow(name, [])
})

t.test('at most five files stand outside of the rooms', async t => {
  t.strictSame(sources.filter(name => !name.includes('/')).sort(), ['environment.ts', 'errors.ts', 'index.ts', 'main.ts', 'package.ts'])
})

t.test('src/README.md matches the sources', async t => {
  const map = read('src/README.md')
  t.strictSame([...map.matchAll(/^\| `([\w.-]+)` \|/gm)].map(([, room]) => room), ROOMS, 'every room, from the top down')
  const paths = [...map.matchAll(/`([\w./-]+(?:\/|\.ts|\.json))`/g)].map(([, path = '']) => path)
  t.ok(paths.length > 30)
  for (const path of new Set(paths)) t.ok([`src/${path}`, path].some(place => existsSync(resolve(ROOT, place))), path)
  t.strictSame(ROOMS.filter(room => !existsSync(resolve(ROOT, 'src', room))), [], 'no room that is not there')
  t.ok(map.split('\n').length <= 75, 'it is one screen')
})

t.test('the stand-in MAAS shares nothing with the proxy', async t => {
  for (const name of sources.filter(name => name.startsWith('demo/stand-in/'))) {
    const outside = [...read(`src/${name}`).matchAll(/(?:from |import |import\()'([^']+)'/g)].map(([, target = '']) => target)
      .filter(target => target === 'oauth-1.0a' || (target.startsWith('.') && !resolve('/', dirname(name), target).startsWith('/demo/stand-in/')))
    t.strictSame(outside, [], name)
  }
})

t.test('no file is longer than 200 lines', async t => {
  for (const name of sources) t.ok(read(`src/${name}`).split('\n').length <= 200, name)
})

t.test('only main.ts has side effects when it is loaded', async t => {
  const files = sources.filter(name => name !== 'main.ts').map(name => resolve(ROOT, 'src', name))
  const args = ['--permission', '--allow-fs-read=*', '--disable-warning=ExperimentalWarning', resolve(ROOT, 'test/helper/load-each.ts'), ...files]
  // By `env -i`: what tap has every process of Node load is not allowed under --permission.
  const { status, signal, stdout, stderr } = spawnSync('env', ['-i', process.execPath, ...args], { encoding: 'utf8', timeout: 60_000 })
  t.strictSame({ stdout, stderr }, { stdout: '{}', stderr: '' }, 'no timer, handle, listener or output')
  t.strictSame({ status, signal }, { status: 0, signal: null }, 'and nothing keeps the process alive')
  for (const file of files) await import(file) // so that tap counts what no other test loads
})

/** The rows of the table of README below a heading. */
function tableOf (heading: string): string[][] {
  const [, section = ''] = new RegExp(`\n##+ ${heading}\n([^]*?)(?:\n##|$)`).exec(read('README.md')) ?? []
  const lines = section.split('\n').filter(line => line.startsWith('|')).slice(2)
  return lines.map(line => line.split('|').slice(1, -1).map(cell => cell.trim()))
}

t.test("README's settings are those of the program", async t => {
  const wanted = Object.values(SETTINGS).map(({ flag, env, default: text, help }) => [flag === null ? '' : `\`${flag}\``, `\`${env}\``, !text ? '' : text.startsWith('/') ? 'shipped' : `\`${text}\``, help])
  t.strictSame(tableOf('Settings'), wanted)
})

t.test('README is read in five minutes: its lines are short, its tables are written by npm run docs, its links lead somewhere', async t => {
  const readme = read('README.md')
  t.equal(withTables(readme), readme, 'npm run docs would change nothing')
  t.throws(() => withTables('# A page'), /README has no place for the table commands/)
  const visible = readme.replaceAll(/<details>[^]*?<\/details>/g, '').split('\n').filter(line => line.trim() !== '')
  t.ok(visible.length <= 300, `${visible.length} lines are not folded`)
  t.strictSame(readme.split('\n').filter(line => line.length > 120 && !line.startsWith('|')), [], 'lines outside tables')
  const anchors = new Set([...readme.matchAll(/^##+ (.+)$/gm)].map(([, heading = '']) => (
    `#${heading.toLowerCase().replaceAll(/[^\w -]/g, '').replaceAll(' ', '-')}`
  )))
  for (const [, target = ''] of readme.matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
    t.ok(target.startsWith('#') ? anchors.has(target) : existsSync(resolve(ROOT, target)), target)
  }
})

t.test('README, help and the manual page say the same of commands and exit codes', async t => {
  const usages = Object.entries(COMMANDS)
    .map(([name, command]) => ({ usages: usagesOf(name, command), help: command.help }))
  t.strictSame(tableOf('Commands'), usages.map(({ usages, help }) => [usages.map(usage => `\`${usage}\``).join(', '), help]))
  t.strictSame(tableOf('Exit codes'), EXIT_STATUS)
  const page = manPage(COMMANDS, '1.2.3').replaceAll('\\-', '-').replaceAll('\\(dq', '"').replaceAll('\\(aq', "'")
  const unwrapped = (text: string) => text.replaceAll(/\s+/g, ' ')
  for (const [name, command] of Object.entries(COMMANDS)) {
    const help = unwrapped(commandHelp(name, command))
    for (const line of usagesOf(name, command)) t.ok(help.includes(`maas-auth-proxy ${line} `) && page.includes(`.B maas-auth-proxy\n${line}\n`), line)
    t.ok(help.includes(`${command.help}. `) && page.includes(`\n${command.help}\n`), command.help)
    t.ok(command.examples.length > 0, name)
    for (const [line, purpose] of command.examples) t.ok(help.includes(`maas-auth-proxy ${line} ${purpose} `) && page.includes(`.B maas-auth-proxy ${line}\n${purpose}\n`), line)
    t.match(overview(COMMANDS), `  ${name} `, name)
  }
  const topic = (name: string) => unwrapped((TOPICS[name] as () => string)())
  for (const [code, meaning] of EXIT_STATUS) {
    t.ok(topic('errors').includes(` ${code} ${meaning} `), code)
    t.ok(page.includes(`.B ${code}\n${meaning}\n`), code)
  }
  for (const { flag, env, help } of Object.values(SETTINGS)) {
    t.ok(topic('settings').includes(env) && topic('settings').includes(help), env)
    t.match(overview(COMMANDS), flag ?? env)
  }
  for (const [code, { status, message }] of Object.entries(ERRORS)) t.ok(topic('errors').includes(` ${code} (${status}) ${message} `), code)
  for (const { env, help: text } of Object.values(SETTINGS)) t.match(page, new RegExp(`\\.B ${env}\n`), text)
  for (const [code, { status, message, remedy }] of Object.entries(ERRORS)) t.ok(page.includes(`.B ${code} (${status})\n${message}: ${remedy}\n`), code)
  t.strictSame(page.split('\n').filter(line => /^[.']/.test(line) && !/^\.(?:TH|SH|TP|PP|nf|fi|B|br)(?: |$)/.test(line)), [], 'no line of text is taken for a request')
})

t.test('README, help and the table of operations name the same versions of MAAS', async t => {
  const texts: ReadonlyArray<readonly [name: string, text: string]> = [
    ['README', read('README.md')], ['help rules', (TOPICS['rules'] as () => string)()], ['the manual page', manPage(COMMANDS, '1.2.3')]
  ]
  for (const [name, text] of texts) {
    const ranges = [...text.replaceAll(/\s+/g, ' ').matchAll(/operations? of MAAS (\d+\.\d+ to \d+\.\d+)/g)].map(([, range]) => range)
    t.strictSame(ranges, [`${CATALOGUED.oldest} to ${CATALOGUED.newest}`], name)
  }
  const order = (one: string, other: string) => one.localeCompare(other, 'en', { numeric: true })
  const versions = knownOperations().flatMap(({ versions }) => [versions.since ?? [], versions.goneIn ?? []].flat())
  const changes = versions.sort(order)
  t.equal(changes.at(-1), CATALOGUED.newest, 'the newest version is the last in which the table changes')
  t.ok(order(CATALOGUED.oldest, String(changes[0])) < 0, 'the oldest version comes before the first change')
})

t.test("README's example of several listeners is the shipped one", async t => {
  const [, example = ''] = /```yaml\n(maas-url: [^]*?)```/.exec(read('README.md')) ?? []
  t.strictSame(parse(example), parse(read('config/example.yaml')))
})

t.test("README's errors are those of the program", async t => {
  t.strictSame(tableOf('Errors'), Object.entries(ERRORS).map(([code, { status, message, remedy }]) => [`\`${code}\``, String(status), message, remedy]))
})

t.test("README's metrics are those of the program", async t => {
  const rows = describeMetrics().map(({ name, type, labels, help }) => [`\`${name}\``, type, labels.map(label => `\`${label}\``).join(', '), help])
  t.strictSame(tableOf('Metrics'), rows)
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

t.test('the packages of OpenTelemetry are optional, and README has the line that installs them', async t => {
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

t.test('the benchmark says how to install missing peers', { skip: noProc }, async t => {
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

t.test('a figure of the benchmark is judged by its ratio, its difference, or itself', async t => {
  const rows: Array<[compared: object, met: boolean | null, reason: string]> = [
    [{ goal: 210 }, true, 'the median of ours is the goal'],
    [{ goal: 209 }, false, 'the median of ours is over it'],
    [{ against: 'bare', goal: 2.1 }, true, 'the ratio to another'],
    [{ against: 'bare', goal: 2 }, false, 'a ratio over the goal'],
    [{ over: 'bare', goal: 110 }, true, 'the difference to another'],
    [{ over: 'bare', goal: 109 }, false, 'a difference over the goal'],
    [{ against: 'gone', goal: 9 }, null, 'the other of a ratio is not there'],
    [{ over: 'gone', goal: 999 }, null, 'the other of a difference is not there']
  ]
  const program = `
    import { figure } from ${JSON.stringify(resolve(ROOT, 'test/bench/stats.mjs'))}
    const values = new Map([['ours', [200, 210, 230]], ['bare', [100, 100, 100]]])
    console.log(JSON.stringify(${JSON.stringify(rows.map(([compared]) => compared))}.map(compared => figure('a', 'ms', values, compared).met)))`
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' })
  const judged: Array<boolean | null> = JSON.parse(said)
  for (const [i, [, met, reason]] of rows.entries()) t.equal(judged[i], met, reason)
})

t.test('README has the lines to set up and to test with, and they are what CI runs', async t => {
  t.match(read('README.md'), /```sh\nnpm ci && npm run demo\n```[^]*```sh\n *npm ci && npm test\n *```[^]*```sh\n *npm run test:system\n *```/)
  t.match(read('.ci/run'), /npm ci\n[^]*npm test[^]*npm run test:system/)
  for (const script of ['package', 'release']) t.match(read('README.md'), `npm run ${script}`, 'and what makes the artefacts')
  const programs = [...read('README.md').matchAll(/`(npx )?node (?:--\S+ )?((?:src|test)\/[\w./]+)[^`]*`/g)]
  t.strictSame(programs.map(([, npx, path]) => [npx, path]), [['npx ', 'test/keys.test.ts'], ['npx ', 'src/main.ts']], 'a program is run by the Node that the project brings')
  for (const [, , path = ''] of programs) t.ok(existsSync(resolve(ROOT, path)), path)
})

t.test('the top level holds only the agreed entries', async t => {
  const tracked = execFileSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' }).trim().split('\n').map(path => path.split('/')[0])
  t.strictSame([...new Set(tracked)].sort(), ['.ci', '.dockerignore', '.github', '.gitignore', '.npmrc', 'Dockerfile', 'LICENSE', 'README.md', 'config', 'package-lock.json', 'package.json', 'src', 'test', 'tsconfig.json'])
})

t.test('the image runs the shipped program as a user without privileges', async t => {
  const instructions = read('Dockerfile').split('\n').filter(line => line !== '' && !line.startsWith('#'))
  for (const [, from, path] of instructions.map(line => /^COPY (--from=\S+ )?(.+) \S+$/.exec(line) ?? []).filter(match => match.length > 0)) {
    if (from === undefined) for (const source of path?.split(' ') ?? []) t.ok(existsSync(resolve(ROOT, source)), `${source} is there to be copied`)
  }
  t.ok(instructions.filter(line => line.startsWith('FROM')).every(line => /:\S*\d|nodejs24/.test(line)), 'every base has a version')
  t.match(instructions.at(-2), /^USER [1-9]\d*:[1-9]\d*$/, 'a numeric user that is not root')
  t.match(instructions.at(-1), /^ENTRYPOINT \[.*"--", "\/app\/dist\/main\.js"\]$/, 'the exec form')
  const { version, license } = JSON.parse(read('package.json'))
  t.ok(instructions.includes(`ARG VERSION=${version}`), 'its label has the version of the package')
  t.match(instructions.join('\n'), `org.opencontainers.image.licenses="${license}"`)
  t.strictSame(read('.dockerignore').trim().split('\n').filter(line => line.startsWith('!')).map(line => line.slice(1)).filter(path => !existsSync(resolve(ROOT, path))), [], 'what the build needs is let in')
})

t.test("README's example of the library is the one that runs", async t => {
  t.ok(read('README.md').includes(`\`\`\`ts\n${read('test/library/example.ts')}\`\`\`\n`))
})

t.test('npm test runs every test that test:system does not', async t => {
  const { tap: { include }, scripts } = JSON.parse(read('package.json'))
  t.strictSame(include, ['test/*.test.ts', 'test/*/all.ts'])
  const names = readdirSync(resolve(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.test.ts') && !name.includes('node_modules'))
  const ofSystem = ['system', 'system/interop']
  for (const folder of ofSystem) t.match(scripts['test:system'], ` test/${folder}/*.test.ts`, folder)
  for (const name of names) {
    if (['.', ...ofSystem].includes(dirname(name))) continue
    t.match(read(`test/${dirname(name)}/all.ts`), `import './${basename(name)}'\n`, name)
  }
  t.ok(names.length > 90)
})
