import { readFileSync } from 'node:fs'

/** A file that the package ships beside its code. This module is at the same depth in `src`, in `dist` and in the bundle of the program. */
export function packageFile (path: string): URL {
  return new URL(`../${path}`, import.meta.url)
}

interface Manifest {
  version: string
  engines: { node: string }
  peerDependencies: Readonly<Record<string, string>>
}

/** The version in package.json. */
export function version (): string {
  return manifest().version
}

/**
 * The packages that the proxy uses only where they are installed beside it, as `npm install` takes them. With versions,
 * because the newest of them need not fit together.
 */
export function optionalPackages (): string[] {
  return Object.entries(manifest().peerDependencies).map(([name, range]) => `${name}@${range}`)
}

/** The oldest Node that the package runs on, as 22.19. */
export function minimumNode (): string {
  return manifest().engines.node.replace('>=', '')
}

function manifest (): Manifest {
  return JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as Manifest
}
