import { readFileSync } from 'node:fs'
import * as executable from 'node:sea'

/**
 * Returns the URL of a file that the package ships. This module is one level below the top, in `src` and in `dist`.
 * @param path relative to the package, such as `config/operations.json`
 */
export function packageFile (path: string): URL {
  return new URL(`../${path}`, import.meta.url)
}

/** How a single executable reads its assets; a part of `node:sea`. */
interface Assets {
  /** whether this is a single executable */
  isSea: () => boolean
  getAsset: (name: string, encoding: string) => string
}

/**
 * Reads a text that the package ships. A single executable has it as an asset, named by its path in the package.
 * @param file from {@link packageFile}
 * @throws Error if it is missing, with what to do
 */
export function readPackageFile (file: URL, assets: Assets = executable): string {
  const path = file.href.slice(packageFile('').href.length)
  try {
    return assets.isSea() ? assets.getAsset(path, 'utf8') : readFileSync(file, 'utf8')
  } catch (error) {
    throw new Error(`this copy of maas-auth-proxy is damaged, it lacks ${path}: get it again`, { cause: error })
  }
}

interface Manifest {
  version: string
  engines: { node: string }
  peerDependencies: Readonly<Record<string, string>>
}

/** Returns the version in package.json. */
export function version (): string {
  return manifest().version
}

/**
 * Returns the commit that this program was built from, such as `1b0c432a5d6e`, or `1b0c432a5d6e-dirty` if files had
 * been changed; `unknown` if it was built outside of a clone, or runs from its sources. The build writes it beside the
 * program.
 */
export function commit (assets: Assets = executable): string {
  try {
    return readPackageFile(new URL('commit', import.meta.url), assets)
  } catch {
    return 'unknown'
  }
}

/** Returns the version, the commit and the Node that runs it, as `--version` prints them. */
export function fullVersion (): string {
  return `${version()} (commit ${commit()}, Node ${process.versions.node})`
}

/**
 * Returns the optional packages as arguments of `npm install`. They have versions, because the newest releases may not
 * work together.
 */
export function optionalPackages (): string[] {
  return Object.entries(manifest().peerDependencies).map(([name, range]) => `${name}@${range}`)
}

/** Returns the oldest version of Node that the package runs on, such as `22.19`. */
export function minimumNode (): string {
  return manifest().engines.node.replace('>=', '')
}

function manifest (): Manifest {
  return JSON.parse(readPackageFile(packageFile('package.json'))) as Manifest
}
