// npm run release -- [FOLDER]: checks that the tree is clean and the version new, builds all artefacts from a clone of
// the last commit, and puts them into a folder outside of the tree, with SHA256SUMS and NOTES.md. It tags and publishes
// nothing. A release that is refused or fails leaves nothing behind; it ends with code 2 if refused, else with 1.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { commitsOf, LOG_FORMAT, releaseNotes } from './notes.ts'
import { git, MAX_OUTPUT_BYTES, plan } from './plan.ts'
import { Refusal, unreachable } from './refusal.ts'

/** What `npm run SCRIPT` makes: files in the tree or in `dist`, and their names in the release. */
interface Artefact { what: string, script: string, file: RegExp, as: (name: string, version: string) => string }

const same = (name: string): string => name
const ARTEFACTS: readonly Artefact[] = [
  { what: 'npm package', script: 'package', file: /^maas-auth-proxy-.*\.tgz$/, as: same },
  {
    what: 'SBOM',
    script: 'package',
    file: /^sbom\.cdx\.json$/,
    as: (_, version) => `maas-auth-proxy-${version}.cdx.json`
  },
  { what: 'licences', script: 'package', file: /^LICENSES-OF-PACKAGES$/, as: same },
  {
    what: 'single executable',
    script: 'build:binary',
    file: /^maas-auth-proxy-linux-(x64|arm64)(\.cdx\.json|\.LICENSES)?$/,
    as: same
  },
  { what: 'Debian package', script: 'build:deb', file: /\.deb$/, as: same }
]

/** Maximum number of lines that are shown of a failure. */
const LAST_LINES = 20

/** Runs a script of npm in the clone. @throws Error with the end of what it printed */
function npm (clone: string, env: NodeJS.ProcessEnv, ...args: string[]): void {
  const options = { cwd: clone, env, encoding: 'utf8', maxBuffer: MAX_OUTPUT_BYTES } as const
  const { status, stdout, stderr } = spawnSync('npm', args, options)
  if (status === 0) return
  const code = unreachable(stderr)
  if (code !== null) {
    throw new Refusal(`npm does not reach its registry (${code}): check the network and npm config get registry`)
  }
  const lines = (stdout + stderr).trim().split('\n')
  throw new Error(`npm ${args.join(' ')} failed:\n${lines.slice(-LAST_LINES).join('\n')}`)
}

/** Returns the paths of the files of an artefact that has been built. */
function filesOf (clone: string, { what, script, file }: Artefact): string[] {
  const entries = [clone, join(clone, 'dist')].flatMap(dir => readdirSync(dir, { withFileTypes: true }))
  const files = entries.filter(entry => entry.isFile() && file.test(entry.name))
  if (files.length === 0) throw new Error(`npm run ${script} made no ${what}: no file fits ${file}`)
  return files.map(({ parentPath, name }) => join(parentPath, name))
}

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')

function release (root: string, args: readonly string[]): void {
  const { manifest, tag, folder } = plan(root, args)
  const { version, scripts } = manifest
  const work = mkdtempSync(join(tmpdir(), 'release-'))
  const clone = join(work, manifest.name)
  try {
    process.umask(0o022) // modes are part of the artefacts
    git(root, 'clone', '--quiet', '--no-hardlinks', root, clone)
    const env = { ...process.env, SOURCE_DATE_EPOCH: git(root, 'log', '-1', '--format=%ct') }
    npm(clone, env, 'ci', '--no-audit', '--no-fund')
    const made = join(work, 'made')
    mkdirSync(made)
    const names: string[] = []
    for (const [i, artefact] of ARTEFACTS.entries()) {
      const { what, script, as } = artefact
      if (!(script in scripts)) {
        console.log(`left out: ${what}: there is no npm run ${script}`)
        continue
      }
      if (script !== ARTEFACTS[i - 1]?.script) npm(clone, env, 'run', '--silent', script)
      for (const path of filesOf(clone, artefact)) {
        const name = as(basename(path), version)
        copyFileSync(path, join(made, name))
        names.push(name)
        console.log(`${what}: ${name}`)
      }
    }
    const commits = commitsOf(git(clone, 'log', `--format=${LOG_FORMAT}`, tag === null ? 'HEAD' : `${tag}..HEAD`))
    writeFileSync(join(made, 'NOTES.md'), releaseNotes(version, commits))
    const sums = names.sort().map(name => `${sha256(join(made, name))}  ${name}\n`)
    writeFileSync(join(made, 'SHA256SUMS'), sums.join(''))
    cpSync(made, folder, { recursive: true })
    console.log(`notes and checksums: NOTES.md, SHA256SUMS\nall of them are in ${folder}`)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

try {
  release(process.cwd(), process.argv.slice(2))
} catch (error) {
  console.error(`release: error: ${(error as Error).message}`)
  process.exitCode = error instanceof Refusal ? 2 : 1
}
