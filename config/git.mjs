// What git knows of the tree that is built.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const cwd = fileURLToPath(new URL('..', import.meta.url))

function run (...args) {
  const { status, stdout } = spawnSync('git', args, { cwd, encoding: 'utf8' })
  return status === 0 ? stdout.trim() : null
}

/**
 * Runs git in the tree.
 * @returns what it prints; null without git, or if the tree is no clone. One that merely lies in another one is none
 */
export function git (...args) {
  return run('rev-parse', '--show-cdup') === '' ? run(...args) : null
}
