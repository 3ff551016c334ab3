import t from 'tap'
import { readFileSync } from 'node:fs'
import { minimumNode } from '../../src/cli/minimum-node.ts'
import { isOlder } from '../../src/cli/node-version.ts'
import { EXACT, FROM_SOURCES, startCommand } from '../helper/process.ts'

const MINIMUM = minimumNode()

t.test('a version is older than the floor by its numbers', async t => {
  const rows: Array<[version: string, older: boolean, reason: string]> = [
    ['14.0.0', true, 'the oldest that can read the program'],
    ['9.11.2', true, 'as a number, not as a text'],
    ['22.18.0', true, 'the last one before'],
    ['22.19.0', false, 'the floor itself'],
    ['22.19', false, 'without what is 0'],
    ['22.20.1', false, 'newer'],
    ['22.100.0', false, 'as a number, not as a text'],
    ['24.0.0', false, 'a newer line, with a smaller second number'],
    ['22.19.0-rc.1', false, 'a release candidate, as its release'],
    ['26.0.0-nightly20260401abc', false, 'a nightly build']
  ]
  for (const [version, older, reason] of rows) t.equal(isOlder(version, '22.19'), older, `${version}: ${reason}`)
  t.equal(isOlder('22.19.1', '22.19.2'), true, 'a floor with three numbers')
  t.equal(isOlder('22.19', '22.19.0'), false, 'what a version leaves out is 0')
})

t.test('the floor is the one in package.json, and README names it', async t => {
  const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
  t.equal(JSON.parse(read('package.json')).engines.node, `>=${MINIMUM}`)
  t.match(read('README.md'), `with Node.js ${MINIMUM} or newer`)
})

/** What makes the program believe that it runs on another Node, loaded before it. */
const on = (version: string) => `data:text/javascript,Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`

t.test('on an older Node the program says which one it needs, and does nothing else', async t => {
  const [node, ...rest] = FROM_SOURCES
  for (const [version, code] of [['18.20.4', 2], [`${MINIMUM}.0`, 0]] as const) {
    const program = startCommand(t, [node, '--import', on(version), ...rest, '--version'], EXACT)
    t.equal(await program.ended, code, version)
    t.equal(program.stderr(), code === 0 ? '' : `maas-auth-proxy: error: needs Node ${MINIMUM} or newer, and this is 18.20.4\n`)
    t.equal(program.stdout() === '', code !== 0)
  }
})
