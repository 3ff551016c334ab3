import { readFileSync } from 'node:fs'
import { shipped } from './shipped.ts'

/** The version in package.json. */
export function version (): string {
  const manifest = readFileSync(shipped('package.json'), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
