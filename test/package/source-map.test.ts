import t from 'tap'
import { build } from 'esbuild'
import { rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { withSources } from '../../src/text/source-map.ts'
import { PROGRAM, startCommand } from '../helper/process.ts'

const THROWS = `// some lines
// before
export function outer (): void {
  const fine = 1; inner(fine)
}

function inner (text: unknown): void {
  throw new TypeError(\`no \${String(text)}\`)
}
`
const ENTRY = `import { outer } from './lib/throws.ts'

export const entry = (): void => {


  outer()
}
`

t.test('a stack of a bundle names files, lines and columns of its sources', async t => {
  process.setSourceMapsEnabled(false) // Node must not map the stack first, as it does under tap
  t.after(() => { process.setSourceMapsEnabled(true) })
  const dir = t.testdir({ 'entry.ts': ENTRY, lib: { 'throws.ts': THROWS } })
  const bundle = resolve(dir, 'out/bundle.cjs')
  await build({
    entryPoints: [resolve(dir, 'entry.ts')],
    bundle: true,
    format: 'cjs',
    minifyWhitespace: true,
    lineLimit: 40,
    sourcemap: true,
    outfile: bundle
  })
  let stack: string | undefined
  try {
    createRequire(import.meta.url)(bundle).entry()
  } catch (error) {
    stack = (error as Error).stack
  }
  const places = (text: string | undefined) => text?.split('\n').slice(0, 4).map(line => line.trim())
  t.match(places(stack)?.[1], `at inner (${bundle}:`, 'as it is without the map')
  const wanted = [
    'TypeError: no 1',
    'at inner (../lib/throws.ts:8:9)',
    'at outer (../lib/throws.ts:4:19)',
    'at Object.entry (../entry.ts:6:3)'
  ]
  t.strictSame(places(withSources(stack, pathToFileURL(bundle))), wanted)
})

const mapOf = (mappings: string) => JSON.stringify({ version: 3, sources: ['a.ts', 'b.ts'], mappings })

/*
 * Mappings by hand: `AAAA` is the first place of the first source, `IACA` four columns further, and there one line on.
 * `I` is four columns further, and from no source; `gCCjBA` is 32 columns further, and in the next source 17 lines up.
 */
t.test('positions that the source map lacks stay unchanged', async t => {
  const rows: Array<[map: string | null, stack: string, wanted: string, reason: string]> = [
    [null, 'x\n at BUNDLE:1:1', 'x\n at BUNDLE:1:1', 'no map'],
    ['{"sources":', 'at BUNDLE:1:1', 'at BUNDLE:1:1', 'half a map'],
    [mapOf(';AAAA'), 'BUNDLE:1:1 BUNDLE:2:1 BUNDLE:3:1', 'BUNDLE:1:1 a.ts:1:1 BUNDLE:3:1', 'lines without mappings'],
    [mapOf('IAAA'), 'BUNDLE:1:4 BUNDLE:1:5', 'BUNDLE:1:4 a.ts:1:1', 'before the first mapping'],
    [mapOf('AAAA,IACA,I'), 'BUNDLE:1:4 BUNDLE:1:8 BUNDLE:1:9', 'a.ts:1:1 a.ts:2:1 BUNDLE:1:9', 'of no source'],
    [mapOf('AAkBA,gCCjBA;AAAA'), 'BUNDLE:1:32 BUNDLE:1:33 BUNDLE:2:9', 'a.ts:19:1 b.ts:2:1 b.ts:2:1', 'below 0'],
    [mapOf('AAAAA'), 'BUNDLE:1:1', 'a.ts:1:1', 'with a name'],
    [mapOf('AAAA'), 'Error: BUNDLE: other.cjs:1:1', 'Error: BUNDLE: other.cjs:1:1', 'no place in the bundle'],
    [mapOf('AAAA'), '', '', 'an empty stack']
  ]
  for (const [i, [map, stack, wanted, reason]] of rows.entries()) {
    const bundle = resolve(t.testdir(map === null ? {} : { [`bundle-${i}.cjs.map`]: map }), `bundle-${i}.cjs`)
    const named = (text: string) => text.replaceAll('BUNDLE', bundle)
    t.equal(withSources(named(stack), pathToFileURL(bundle)), named(wanted), reason)
  }
})

t.test('positions are cached, within a bound', async t => {
  const bundle = resolve(t.testdir({ 'bundle.cjs.map': mapOf('AAAA') }), 'bundle.cjs')
  const url = pathToFileURL(bundle)
  t.equal(withSources(`${bundle}:1:1`, url), 'a.ts:1:1')
  rmSync(`${bundle}.map`)
  t.equal(withSources(`${bundle}:1:1`, url), 'a.ts:1:1', 'the map is not read again')
  withSources(Array.from({ length: 1001 }, (_, i) => `${bundle}:2:${i}`).join(), url)
  t.equal(withSources(`${bundle}:1:1`, url), `${bundle}:1:1`, 'after too many of them it is')
})

/** What makes the program crash once it is ready for that, loaded before it. */
const crashing = (thrown: string) => `data:text/javascript,process.on('newListener', name => {
  if (name === 'uncaughtExceptionMonitor') queueMicrotask(() => { throw ${thrown} })
})`

t.test('a crash prints the stack as Node does, with exit code 1', async t => {
  const [node, ...rest] = PROGRAM
  for (const [thrown, told] of [["new Error('crash')", /Error: crash\n +at/], ['null', /null/]] as const) {
    const program = startCommand(t, [node, '--import', crashing(thrown), ...rest])
    t.equal(await program.ended, 1, thrown)
    t.match(program.stderr(), told)
  }
})
