import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { Refusal } from './refusal.ts'
import { lastTag, whyNotNew } from './version.ts'

/** What is read of package.json. */
interface Manifest { name: string, version: string, scripts: Readonly<Record<string, string>> }

/** What is to be released. */
export interface Plan {
  manifest: Manifest
  /** the tag of the last release, or null */
  tag: string | null
  /** where the artefacts go */
  folder: string
}

/** The most that git and npm may print. */
export const MAX_OUTPUT_BYTES = 64 * 1024 * 1024

/** Runs git. @returns what it prints */
export function git (cwd: string, ...args: string[]): string {
  const stdio = ['ignore', 'pipe', 'ignore'] as const
  return execFileSync('git', args, { cwd, encoding: 'utf8', stdio: [...stdio], maxBuffer: MAX_OUTPUT_BYTES }).trim()
}

/**
 * Checks all that can be checked before anything is built.
 * @param root the tree
 * @param args the folder of the release; without one it stands beside the tree
 * @throws Refusal with the reason
 */
export function plan (root: string, args: readonly string[]): Plan {
  if (args.length > 1 || args[0]?.startsWith('-')) {
    throw new Refusal(`"${args.join(' ')}" is not one folder: write npm run release -- FOLDER`)
  }
  if (spawnSync('git', ['rev-parse', '--verify', 'HEAD'], { cwd: root }).status !== 0) {
    throw new Refusal(`${root} has no commit of git: a release is made in a clone`)
  }
  const [change] = git(root, 'status', '--porcelain').split('\n')
  if (change) {
    const path = change.replace(/^\S+ +/, '')
    throw new Refusal(`the tree has changes, such as ${path}: commit them or put them away`)
  }
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
  const tags = git(root, 'tag', '--list').split('\n')
  const reason = whyNotNew(manifest.version, tags)
  if (reason !== null) throw new Refusal(reason)
  const folder = resolve(root, args[0] ?? `../${manifest.name}-${manifest.version}`)
  if (!relative(root, folder).startsWith('..')) {
    throw new Refusal(`${folder} is in the tree: name a folder outside of it`)
  }
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new Refusal(`${folder} has files in it: name another folder, or empty it`)
  }
  return { manifest, tag: lastTag(tags), folder }
}
