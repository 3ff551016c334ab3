import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { cacheOf, loadScript } from '../../src/performance/code-cache.ts'

const SCRIPT = `(function (require, importPackage, url) {
  return { double: n => 2 * n, beside: require('./beside.json'), url, imported: () => importPackage('undici') }
})`

interface Exports { double: (n: number) => number }

/** Loads the script in a process of its own: V8 compiles no text twice in one, and looks into no cache then. */
function loadElsewhere (url: URL, first = ''): object {
  const program = `
    ${first}
    import { loadScript } from ${JSON.stringify(new URL('../../src/performance/code-cache.ts', import.meta.url))}
    const { exports: { double, url, beside, imported }, cached } = loadScript(new URL(${JSON.stringify(url)}))
    console.log(JSON.stringify({ cached, doubled: double(21), url, beside, imported: typeof (await imported()).Pool }))`
  return JSON.parse(execFileSync(process.execPath, [...process.execArgv, '--input-type=module', '--eval', program], { encoding: 'utf8' }))
}

t.test('a script loads with any code cache, valid or damaged', async t => {
  const rows: Array<[made: (cache: Buffer) => Buffer | null, cached: boolean, reason: string]> = [
    [() => null, false, 'there is none'],
    [cache => cache, true, 'what V8 made of this text'],
    [() => Buffer.alloc(0), false, 'nothing was written'],
    [() => Buffer.from('not a code cache'), false, 'something else'],
    [cache => cache.subarray(0, cache.length / 2), false, 'half of it was written'],
    [cache => cache.map((byte, i) => i === 0 ? ~byte : byte) as Buffer, false, 'a seal of something else'],
    [cache => cache.map((byte, i) => i === cache.length - 100 ? ~byte : byte) as Buffer, false, 'a byte was damaged'],
    [cache => cache.subarray(32), false, 'no seal, as by a program of another kind']
  ]
  for (const [made, cached, reason] of rows) {
    const url = pathToFileURL(resolve(t.testdir({ 'script.cjs': SCRIPT, 'beside.json': '"beside"' }), 'script.cjs'))
    const first = loadScript(url)
    const { double } = first.exports as Exports
    t.equal(double(1), 2)
    t.equal(first.cached, false)
    const cache = made(first.makeCache())
    if (cache !== null) writeFileSync(cacheOf(url), cache)

    t.strictSame(loadElsewhere(url), { cached, doubled: 42, url: url.href, beside: 'beside', imported: 'function' }, reason)
  }
})

t.test('a code cache is used only by the Node and for the text that made it', async t => {
  const url = pathToFileURL(resolve(t.testdir({ 'script.cjs': SCRIPT, 'beside.json': '"beside"' }), 'script.cjs'))
  writeFileSync(cacheOf(url), loadScript(url).makeCache())
  t.match(loadElsewhere(url), { cached: true, doubled: 42 })
  t.match(loadElsewhere(url, "Object.defineProperty(process, 'version', { value: 'v20.19.0' })"), { cached: false, doubled: 42 }, 'several releases have the same V8')
  t.match(loadElsewhere(url, "(await import('node:v8')).setFlagsFromString('--no-opt')"), { cached: false, doubled: 42 }, 'other flags')
  writeFileSync(url, SCRIPT.replace('2 * n', '3 * n'))
  t.match(loadElsewhere(url), { cached: false, doubled: 63 }, 'V8 itself looks at the length alone')
})

t.test('a code cache has a name in it that may be that of no place', async t => {
  const url = pathToFileURL(resolve(t.testdir({ 'script.cjs': SCRIPT, 'beside.json': '"beside"' }), 'script.cjs'))
  t.ok(loadScript(url).makeCache().includes(url.pathname))
  const named = loadScript(url, '/none/script.cjs')
  t.notOk(named.makeCache().includes(url.pathname), 'so that equal scripts get equal caches')
  writeFileSync(cacheOf(url), named.makeCache())
  t.match(loadElsewhere(url), { cached: true, doubled: 42, beside: 'beside' }, 'V8 takes it elsewhere too')
})

t.test('errors of a script are thrown unchanged', async t => {
  const dir = t.testdir({ 'throws.cjs': '(function () { throw new RangeError("so be it") })', 'broken.cjs': '(function (' })
  t.throws(() => loadScript(pathToFileURL(resolve(dir, 'throws.cjs'))), { name: 'RangeError', message: 'so be it' })
  t.throws(() => loadScript(pathToFileURL(resolve(dir, 'broken.cjs'))), { name: 'SyntaxError' })
  t.throws(() => loadScript(pathToFileURL(resolve(dir, 'none.cjs'))), { code: 'ENOENT' })
})
