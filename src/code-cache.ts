import { readFileSync } from 'node:fs'
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
 * Loads a script with what V8 made of it before, its code cache, which saves parsing and compiling it. A cache that is not there, was made by
 * another version of V8 or under other flags, or is no cache is passed over: it costs time and nothing else. Of the text V8 compares only the
 * length, so whoever changes a script by hand has to remove its cache.
 * @param url a file in ASCII, all of it one function that returns what it exports. It gets `require`, which looks for modules from where the
 * file is, a function in place of `import`, which a script from a cache does not have, for packages, and its own address
 * @throws what the script throws
 */
export function loadScript (url: URL): LoadedScript {
  const filename = fileURLToPath(url)
  const cachedData = readIfThere(cacheOf(url))
  const script = new Script(readFileSync(filename, 'latin1'), { filename, ...cachedData === undefined ? {} : { cachedData } })
  const load = script.runInThisContext() as (require: NodeJS.Require, importPackage: (name: string) => Promise<unknown>, url: string) => unknown
  const importPackage = async (name: string): Promise<unknown> => await import(name)
  return { exports: load(createRequire(url), importPackage, url.href), cached: script.cachedDataRejected === false, makeCache: () => script.createCachedData() }
}

function readIfThere (file: URL): Buffer | undefined {
  try {
    return readFileSync(file)
  } catch {
    return undefined
  }
}
