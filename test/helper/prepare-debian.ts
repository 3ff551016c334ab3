// Makes what tests of the Debian package share, unless it is there: a root of Debian without Node, and a tree with the
// package built in it. `debian.ts` runs it, one process at a time.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { copyTree } from './tree.ts'

const [,, base = '', tree = '', suite = '', mirror = ''] = process.argv
const run = (command: string, args: readonly string[], cwd = '/'): void => {
  execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'], maxBuffer: 64 * 1024 * 1024 })
}

if (!existsSync(base)) {
  const begun = `${base}.begun`
  rmSync(begun, { recursive: true, force: true })
  run('debootstrap', ['--variant=minbase', '--include=systemd-sysv,dbus', suite, begun, mirror])
  for (const path of ['var/cache/apt/archives', 'var/lib/apt/lists', 'usr/share/locale']) {
    rmSync(join(begun, path), { recursive: true })
  }
  renameSync(begun, base)
}

if (!existsSync(tree)) {
  const folder = join(tree, '..')
  for (const old of readdirSync(folder).filter(name => name.startsWith('tree-'))) rmSync(join(folder, old), { recursive: true })
  const begun = join(folder, basename(tree).replace('tree-', 'tree-begun-'))
  copyTree(begun)
  run('npm', ['run', '--silent', 'build:deb', '--', process.arch], begun)
  renameSync(begun, tree)
}
