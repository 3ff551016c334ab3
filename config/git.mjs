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
 * @returns its output; null without git, or if the tree is not the root of a clone, even if it lies inside one
 */
export function git (...args) {
  return run('rev-parse', '--show-cdup') === '' ? run(...args) : null
}

/** The digits of a commit that are enough to find it. */
const DIGITS = 12

/**
 * Returns the commit that is built, for `commit` of src/package.ts: that of the variable REVISION where there is no
 * clone, as in an image, else that of git.
 */
export function builtCommit () {
  const { REVISION: given } = process.env
  if (!given) return git('describe', '--always', '--dirty', '--exclude=*', `--abbrev=${DIGITS}`) ?? 'unknown'
  if (!/^[0-9a-f]{6,64}$/.test(given)) throw new Error('REVISION is not the hash of a commit: write git rev-parse HEAD')
  return given.slice(0, DIGITS)
}
