// Takes the place of src/cli/program.ts in the single executable. The bundle, its code cache and SQLite are assets, so
// no code comes from a file: here `require` knows the modules of Node alone.
import { getAsset, getAssetKeys, getRawAsset } from 'node:sea'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { compileFunction } from 'node:vm'
import { runScript } from '../../src/performance/code-cache.ts'

/** The options of Emscripten that SQLite gets. */
interface SqliteOptions { wasmBinary: Uint8Array }

/** What the package of SQLite exports. */
interface Sqlite { default: (options?: SqliteOptions) => unknown }

/** Returns the bytes of an asset in place, which V8 and SQLite only read. */
const bytesOf = (asset: string): Buffer => Buffer.from(getRawAsset(asset) as ArrayBuffer)

/** Loads SQLite, the only package that is not in the bundle. */
async function importPackage (): Promise<Sqlite> {
  const module: { exports?: Sqlite } = {}
  compileFunction(getAsset('sqlite.cjs', 'utf8'), ['require', 'module'])(require, module)
  return { default: () => module.exports?.default({ wasmBinary: bytesOf('sqlite3.wasm') }) }
}

const CACHE = 'dist/bundle.cjs.cache'
const url = new URL('dist/bundle.cjs', pathToFileURL(`${process.execPath}/`)) // a name for stacks: no such file is read
const { exports } = runScript({
  text: bytesOf('dist/bundle.cjs').toString('latin1'),
  url,
  filename: fileURLToPath(url),
  cachedData: getAssetKeys().includes(CACHE) ? bytesOf(CACHE) : null,
  require,
  importPackage
})
export const { program } = exports as typeof import('../../src/cli/program.ts')
