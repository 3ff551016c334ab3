import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** What the package is built from. */
export const SOURCES = ['package.json', 'package-lock.json', '.npmrc', 'tsconfig.json', 'README.md', 'LICENSE', 'config', 'src']

/** Copies what the package is built from into a new folder, with the packages of this tree. */
export function copyTree (to: string): void {
  mkdirSync(to, { recursive: true })
  for (const name of SOURCES) cpSync(resolve(ROOT, name), resolve(to, name), { recursive: true })
  symlinkSync(resolve(ROOT, 'node_modules'), resolve(to, 'node_modules'))
}
