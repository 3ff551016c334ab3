/*
 * V8's code cache for the bundle. It saves time at the start: 404 -> 361 ms, 428 -> 361 ms of CPU. Node's own compile
 * cache (`module.enableCompileCache`) brings it to 383 ms, 410 ms of CPU (medians of 40 starts in turns, 2026-11-27,
 * Node 24).
 * Measure again: `npm run bench`, then once more after `rm dist/bundle.cjs.cache` by `node test/bench/run.mjs`.
 * Replacement: a plain `require` of the bundle.
 */
import { readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'
import { crc32 } from 'node:zlib'

/** A script that has run. */
interface LoadedScript {
  /** the value that the script's function returned */
  exports: unknown
  /** whether V8 accepted the code cache */
  cached: boolean
  /** Creates the code cache of the script, with all functions that are compiled by now. */
  makeCache: () => Buffer
}

/** The function that a script consists of. */
type ScriptFunction = (
  require: NodeJS.Require,
  importPackage: (name: string) => Promise<unknown>,
  url: string
) => unknown

/**
 * The place of a script's code cache: beside the script.
 * @param script the URL of the script
 * @returns the URL of the cache
 */
export function cacheOf (script: URL): URL {
  return new URL(`${script.href}.cache`)
}

/** A script, and what it is run with. */
interface RunnableScript {
  /**
   * ASCII text that consists of one function, which returns its exports. The function gets `require`, a replacement for
   * `import` of packages, which a cached script lacks, and the script's URL
   */
  text: string
  url: URL
  /** the path that stacks show; it is a part of the code cache */
  filename: string
  /** V8's code cache; null if there is none */
  cachedData: Buffer | null
  require: NodeJS.Require
  importPackage: (name: string) => Promise<unknown>
}

/**
 * Loads a script together with its code cache, so that V8 parses and compiles less. A cache is ignored if it is missing
 * or damaged, or if another text, another Node or other flags made it.
 * @param url the file of the script; `require` resolves from it
 * @param filename see {@link RunnableScript}
 * @returns the exports, and what is needed to make a cache
 * @throws the error of the script
 */
export function loadScript (url: URL, filename = fileURLToPath(url)): LoadedScript {
  const text = readFileSync(url, 'latin1')
  const cachedData = dataOf(readIfThere(cacheOf(url)), text)
  const importPackage = async (name: string): Promise<unknown> => await import(name)
  const loaded = runScript({ text, url, filename, cachedData, require: createRequire(url), importPackage })
  const makeCache = (): Buffer => {
    const data = loaded.makeCache()
    return Buffer.concat([sealOf(text, data), data])
  }
  return { ...loaded, makeCache }
}

/**
 * Runs a script with the data of its code cache, which must come from this very executable: V8 checks little of it.
 * @returns the exports; `makeCache` makes bare data
 * @throws the error of the script
 */
export function runScript (
  { text, url, filename, cachedData, require, importPackage }: RunnableScript
): LoadedScript {
  const script = new Script(text, { filename, ...cachedData === null ? {} : { cachedData } })
  const load = script.runInThisContext() as ScriptFunction
  const exports = load(require, importPackage, url.href)
  return { exports, cached: script.cachedDataRejected === false, makeCache: () => script.createCachedData() }
}

/** Room for a 32-bit checksum before the data of a cache; V8 copies data that is not aligned to 8 bytes. */
export const SEAL_BYTES = 8

/**
 * The checksum that precedes the data of a cache. V8 itself checks only its version, its flags and the length of the
 * text: damaged data, or data of another Node release with the same V8, would crash the process.
 */
function sealOf (text: string, data: Buffer): Buffer {
  const { size, mtimeMs } = statSync(process.execPath)
  const node = JSON.stringify([process.version, process.arch, size, Math.floor(mtimeMs / 1000)])
  const seal = Buffer.alloc(SEAL_BYTES)
  seal.writeUInt32BE(crc32(data, crc32(text, crc32(node))))
  return seal
}

function dataOf (cache: Buffer | null, text: string): Buffer | null {
  if (cache === null) return null
  const data = cache.subarray(SEAL_BYTES)
  return sealOf(text, data).equals(cache.subarray(0, SEAL_BYTES)) ? data : null
}

function readIfThere (file: URL): Buffer | null {
  try {
    return readFileSync(file)
  } catch {
    return null
  }
}
