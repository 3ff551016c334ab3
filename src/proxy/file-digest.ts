import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** The digest of a file's content, to tell whether it has changed; empty if it cannot be read. */
export function digestFile (path: string): string {
  try {
    return hash('sha256', readFileSync(path))
  } catch {
    return ''
  }
}
