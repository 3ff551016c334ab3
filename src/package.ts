import { readFileSync } from 'node:fs'

/**
 * Returns the URL of a file that the package ships. This module is one level below the top, in `src` and in `dist`.
 * @param path relative to the package, such as `config/operations.json`
 */
export function packageFile (path: string): URL {
  return new URL(`../${path}`, import.meta.url)
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
  return JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as Manifest
}
