import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { WITHOUT_LOADER } from './process.ts'
import { SOURCES } from './tree.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PREPARE = fileURLToPath(new URL('prepare-debian.ts', import.meta.url))

/** In the folder of tap, which is nobody's work: a root takes a minute to make. */
const CACHE = join(ROOT, '.tap/debian')

/** The variables of a machine where nothing is set. */
export const BARE = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' }

/** The date in the package. */
export const SOURCE_DATE_EPOCH = '1700000000'

/** The commit in it. */
export const COMMIT = 'a1b2c3d4e5f6'

/** What the tests share. */
interface Prepared {
  /** a tree with the package built in it */
  tree: string
  /** the package */
  deb: string
  /** the root of a Debian without Node, to be copied */
  base: string
}

interface Test { after: (close: () => unknown) => void }

/** Returns why there can be no root of Debian here, or false. @param more commands that the test runs */
export function whyNoDebian (...more: readonly string[]): string | false {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'debootstrap makes a root as root of a Linux alone'
  const commands = ['debootstrap', 'dpkg-deb', 'apt-get', 'flock', ...more]
  const missing = commands.filter(command => spawnSync('sh', ['-c', 'command -v "$1"', 'sh', command]).status !== 0)
  if (missing.length > 0) return `there is no ${missing.join(', ')}`
  return mirrorOf() === null && 'apt knows no mirror of this release'
}

/** Returns what this machine gets its packages from: the name of the release, and the mirror. */
function mirrorOf (): [suite: string, mirror: string] | null {
  const [, suite = ''] = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8')) ?? []
  const { stdout } = spawnSync('apt-get', ['indextargets', '--format', '$(RELEASE) $(REPO_URI)'], { encoding: 'utf8' })
  const line = stdout.split('\n').find(line => line.startsWith(`${suite} http`))
  return suite === '' || line === undefined ? null : [suite, line.slice(suite.length + 1)]
}

/** Returns what the tests share, and makes it if it is not there or the sources are others. */
export function prepare (): Prepared {
  mkdirSync(CACHE, { recursive: true })
  const hash = createHash('sha256')
  for (const source of SOURCES) {
    for (const path of filesBelow(join(ROOT, source))) hash.update(path).update(readFileSync(path))
  }
  const base = join(CACHE, 'base')
  const tree = join(CACHE, `tree-${hash.digest('hex')}`)
  const args = [...WITHOUT_LOADER, 'flock', join(CACHE, 'lock'), process.execPath, PREPARE, base, tree, ...mirrorOf() ?? []]
  execFileSync('env', args, { env: { ...process.env, SOURCE_DATE_EPOCH, REVISION: COMMIT }, stdio: ['ignore', 'ignore', 'pipe'] })
  const deb = readdirSync(join(tree, 'dist')).find(name => name.endsWith('.deb')) ?? ''
  return { base, tree, deb: join(tree, 'dist', deb) }
}

function filesBelow (path: string): string[] {
  if (statSync(path).isFile()) return [path]
  const entries = readdirSync(path, { recursive: true, withFileTypes: true })
  return entries.filter(entry => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name)).sort()
}

/** Copies the root, which goes at the end of the test. */
export function copyRoot (t: Test, { base }: Prepared): string {
  const dir = mkdtempSync(join(tmpdir(), 'map-debian-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const root = join(dir, 'root')
  execFileSync('cp', ['--archive', '--reflink=auto', base, root])
  return root
}

/**
 * Makes another package of one, by a change of its files.
 * @param change gets the folder with its files, and the control file in `DEBIAN`
 * @returns the path of the new package
 */
export function changedPackage (deb: string, folder: string, name: string, change: (root: string) => void): string {
  const root = join(folder, name)
  execFileSync('dpkg-deb', ['--raw-extract', deb, root])
  change(root)
  const to = join(folder, `${name}.deb`)
  execFileSync('dpkg-deb', ['--root-owner-group', '-Znone', '--build', root, to], { stdio: 'pipe' })
  rmSync(root, { recursive: true })
  return to
}
