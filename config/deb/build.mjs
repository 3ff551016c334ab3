// npm run build:deb [-- ARCHITECTURE ...]: makes dist/maas-auth-proxy_VERSION_amd64.deb and -_arm64.deb from what
// `npm run build` has made. Equal sources give equal bytes: dates are that of SOURCE_DATE_EPOCH, or of the commit.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ARCHITECTURES, BuildError, buildForEach } from '../binary/architectures.mjs'
import { makeExecutable } from '../binary/executable.mjs'
import { git } from '../git.mjs'
import { filesOf } from './files.mjs'
import { control } from './texts.mjs'

const inRoot = path => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const manifest = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'))

/** xz -1 is smaller than gzip -9, takes 12 s, and every dpkg reads it. */
const COMPRESSION = ['-Zxz', '-z1']

const EXECUTABLE = 'usr/bin/maas-auth-proxy'
const MODES = { DEBIAN: 0o755, [EXECUTABLE]: 0o755, 'etc/maas-auth-proxy': 0o750, 'etc/maas-auth-proxy/env': 0o640 }

/** Returns the time of what is packed, in seconds. */
function epoch () {
  const { SOURCE_DATE_EPOCH: given } = process.env
  if (given !== undefined && !/^\d+$/.test(given)) {
    throw new BuildError('SOURCE_DATE_EPOCH is not a number of seconds: write date +%s')
  }
  return Number(given ?? git('log', '-1', '--format=%ct') ?? Math.floor(Date.now() / 1000))
}

/** Makes the package of an architecture in `dist`. @throws BuildError */
async function makePackage (arch) {
  if (spawnSync('dpkg-deb', ['--version']).status !== 0) {
    throw new BuildError('there is no dpkg-deb: install dpkg, or build on Debian or Ubuntu')
  }
  const seconds = epoch()
  const executable = await makeExecutable(arch)
  const root = mkdtempSync(join(tmpdir(), 'deb-'))
  try {
    fill(root, executable, ARCHITECTURES[arch], seconds)
    const deb = inRoot(`dist/${manifest.name}_${manifest.version}_${ARCHITECTURES[arch]}.deb`)
    const args = ['--root-owner-group', ...COMPRESSION, '--build', root, deb]
    const env = { ...process.env, SOURCE_DATE_EPOCH: String(seconds) }
    execFileSync('dpkg-deb', args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
  } finally {
    rmSync(root, { recursive: true })
  }
}

/** Writes the files of the package. Their modes are independent of the umask, and all have the same date. */
function fill (root, executable, architecture, seconds) {
  const put = (path, write) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    write(join(root, path))
  }
  for (const [path, content] of Object.entries(filesOf(manifest, new Date(seconds * 1000)))) {
    put(path, file => writeFileSync(file, content))
  }
  put(EXECUTABLE, file => copyFileSync(executable, file))
  const files = () => readdirSync(root, { recursive: true, withFileTypes: true }).map(entry => {
    const path = join(entry.parentPath, entry.name)
    return { path: relative(root, path), isFile: entry.isFile(), bytes: statSync(path).size }
  })
  const packed = files().filter(({ path, isFile }) => isFile && !path.startsWith('DEBIAN/'))
  const sums = packed.map(({ path }) => {
    return `${createHash('md5').update(readFileSync(join(root, path))).digest('hex')}  ${path}\n`
  })
  put('DEBIAN/md5sums', file => writeFileSync(file, sums.sort().join('')))
  const bytes = packed.reduce((sum, { bytes }) => sum + bytes, 0)
  put('DEBIAN/control', file => writeFileSync(file, control(manifest, architecture, bytes)))
  for (const { path, isFile } of [...files(), { path: '', isFile: false }]) {
    const isScript = /^DEBIAN\/p/.test(path)
    chmodSync(join(root, path), MODES[path] ?? (isFile && !isScript ? 0o644 : 0o755))
    utimesSync(join(root, path), seconds, seconds)
  }
}

await buildForEach('build:deb', makePackage)
