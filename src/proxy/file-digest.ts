import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** The digests of files, to tell whether they have changed; empty for one that cannot be read. */
export function digestFiles (files: readonly string[]): Map<string, string> {
  return new Map(files.map(file => [file, digestOf(file)]))
}

function digestOf (path: string): string {
  try {
    return hash('sha256', readFileSync(path))
  } catch {
    return ''
  }
}
