import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'

/** A script that has run. */
export interface LoadedScript {
  /** what it gave back */
  exports: unknown
  /** whether V8 took its code cache */
  cached: boolean
  /** The code cache of it, with all that has been compiled until now. */
  makeCache: () => Buffer
}

/** Where the code cache of a script is: beside it. */
export function cacheOf (script: URL): URL {
  return new URL(`${script.href}.cache`)
}

/**
 * Loads a script with what V8 made of it before, its code cache, which saves parsing and compiling it. A cache that is not there, is not whole,
 * or was made of another text, by another node or under other flags is passed over: it costs time and nothing else.
 * @param url a file in ASCII, all of it one function that returns what it exports. It gets `require`, which looks for modules from where the
 * file is, a function in place of `import`, which a script from a cache does not have, for packages, and its own address
 * @throws what the script throws
 */
export function loadScript (url: URL): LoadedScript {
  const filename = fileURLToPath(url)
  const text = readFileSync(filename, 'latin1')
  const cachedData = dataOf(readIfThere(cacheOf(url)), text)
  const script = new Script(text, { filename, ...cachedData === null ? {} : { cachedData } })
  const load = script.runInThisContext() as (require: NodeJS.Require, importPackage: (name: string) => Promise<unknown>, url: string) => unknown
  const importPackage = async (name: string): Promise<unknown> => await import(name)
  const makeCache = (): Buffer => {
    const data = script.createCachedData()
    return Buffer.concat([sealOf(text, data), data])
  }
  return { exports: load(createRequire(url), importPackage, url.href), cached: script.cachedDataRejected === false, makeCache }
}

const SEAL_BYTES = 32

/**
 * What stands before the data of a cache. V8 believes what it is given, but for its own version, its flags and the length of the text: damaged
 * data, or that of another release of node with the same V8, ends the process.
 */
function sealOf (text: string, data: Buffer): Buffer {
  const { size, mtimeMs } = statSync(process.execPath)
  const node = JSON.stringify([process.version, process.arch, size, Math.floor(mtimeMs / 1000)])
  return createHash('sha256').update(node).update(text, 'latin1').update(data).digest()
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
