import t from 'tap'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const RELEASE = fileURLToPath(new URL('../../config/release/release.ts', import.meta.url))
const noGit = spawnSync('git', ['--version']).status !== 0 && 'there is no git'

/** Makes an artefact, as the scripts of the project do. */
const make = (file: string): string => `node --eval "fs.mkdirSync('dist', { recursive: true }); fs.writeFileSync('${file}', process.env.SOURCE_DATE_EPOCH)"`
const PACKAGE = ['maas-auth-proxy-1.1.0.tgz', 'dist/sbom.cdx.json', 'dist/LICENSES-OF-PACKAGES'].map(make).join(' && ')
const ALL = { package: PACKAGE, 'build:binary': ['', '.LICENSES', '.cdx.json'].map(ending => make(`dist/maas-auth-proxy-linux-x64${ending}`)).join(' && '), 'build:deb': make('maas-auth-proxy_1.1.0_amd64.deb') }

interface Manifest { version: string, scripts?: Record<string, string>, dependencies?: Record<string, string> }

/** A repository of which version 1.0.0 has been released. */
class Repository {
  readonly #top = mkdtempSync(join(tmpdir(), 'map-'))
  readonly dir = join(this.#top, 'tree')
  readonly out = join(this.#top, 'out')

  constructor (t: { after: (close: () => unknown) => void }, scripts: Record<string, string>) {
    t.after(() => rmSync(this.#top, { recursive: true }))
    mkdirSync(this.dir)
    this.git('init', '--quiet', '--initial-branch=main')
    this.commit('feat: the first version', { version: '1.0.0', scripts })
    this.git('tag', 'v1.0.0')
    this.commit('fix(forward): a crash', { version: '1.1.0', scripts })
  }

  git (...args: string[]): void {
    execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@example.com', '-c', 'commit.gpgsign=false', ...args], { cwd: this.dir })
  }

  /** Writes a manifest with a lockfile, and commits both. */
  commit (message: string, manifest: Manifest): void {
    const { scripts, ...locked } = { name: 'maas-auth-proxy', ...manifest }
    const packages = Object.fromEntries(Object.entries(manifest.dependencies ?? {}).map(([name, version]) => [`node_modules/${name}`, { version }]))
    writeFileSync(join(this.dir, 'package.json'), JSON.stringify({ ...locked, scripts }))
    writeFileSync(join(this.dir, 'package-lock.json'), JSON.stringify({ ...locked, lockfileVersion: 3, packages: { '': locked, ...packages } }))
    this.git('add', '.')
    this.git('commit', '--quiet', '--message', message)
  }

  release (...args: string[]): { status: number | null, stdout: string, stderr: string } {
    const env = { ...process.env, NODE_OPTIONS: '--disable-warning=ExperimentalWarning', npm_config_registry: 'http://127.0.0.1:1/', npm_config_fetch_retries: '0', npm_config_cache: join(this.#top, 'cache') }
    const { status, stdout, stderr } = spawnSync(process.execPath, [RELEASE, ...args], { cwd: this.dir, encoding: 'utf8', env })
    return { status, stdout, stderr }
  }
}

t.test('a release has all artefacts with their checksums, and notes since the last one', { skip: noGit }, async t => {
  const repository = new Repository(t, ALL)
  t.match(repository.release(repository.out), { status: 0, stderr: '' })
  const artefacts = ['LICENSES-OF-PACKAGES', 'maas-auth-proxy-1.1.0.cdx.json', 'maas-auth-proxy-1.1.0.tgz', 'maas-auth-proxy-linux-x64', 'maas-auth-proxy-linux-x64.LICENSES', 'maas-auth-proxy-linux-x64.cdx.json', 'maas-auth-proxy_1.1.0_amd64.deb']
  t.strictSame(readdirSync(repository.out).sort(), ['NOTES.md', 'SHA256SUMS', ...artefacts].sort())
  const sums = readFileSync(join(repository.out, 'SHA256SUMS'), 'utf8')
  t.strictSame([...sums.matchAll(/ {2}(.*)\n/g)].map(([, name]) => name), artefacts)
  if (spawnSync('sha256sum', ['--version']).status === 0) {
    t.equal(spawnSync('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: repository.out }).status, 0, 'sha256sum takes them')
  }
  t.match(readFileSync(join(repository.out, 'NOTES.md'), 'utf8'), /^# maas-auth-proxy 1\.1\.0\n\n## Fixed\n\n- forward: a crash \(\w{7}\)\n$/)
  const date = execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: repository.dir, encoding: 'utf8' }).trim()
  t.equal(readFileSync(join(repository.out, 'maas-auth-proxy-1.1.0.tgz'), 'utf8'), date, 'what has a date in it has that of the commit')
  t.equal(execFileSync('git', ['status', '--porcelain', '--ignored'], { cwd: repository.dir, encoding: 'utf8' }), '', 'the tree is as it was')
})

t.test('what no script makes is left out with a word', { skip: noGit }, async t => {
  const repository = new Repository(t, { package: PACKAGE })
  const { status, stdout } = repository.release(repository.out)
  t.equal(status, 0)
  t.match(stdout, 'left out: single executable: there is no npm run build:binary\n')
  t.match(stdout, 'left out: Debian package: there is no npm run build:deb\n')
})

t.test('a release that cannot be is refused in one line, and nothing is written', { skip: noGit }, async t => {
  const rows: ReadonlyArray<[spoil: (r: Repository) => string[], status: number, line: RegExp, reason: string]> = [
    [r => { writeFileSync(join(r.dir, 'new.txt'), ''); return [r.out] }, 2, /^release: error: the tree has changes, such as new\.txt: commit them or put them away\n$/, 'a new file'],
    [r => { writeFileSync(join(r.dir, 'package.json'), '{}'); return [r.out] }, 2, /such as package\.json/, 'a change'],
    [r => { r.git('tag', 'v1.1.0'); return [r.out] }, 2, /^release: error: the version 1\.1\.0 in package\.json has a tag already, v1\.1\.0: raise it with npm version \S+\n$/, 'a tag'],
    [r => { r.git('tag', 'v1.2.0'); return [r.out] }, 2, /^release: error: the version 1\.1\.0 in package\.json is not higher than that of the last tag, v1\.2\.0: .*\n$/, 'a higher tag'],
    [r => { r.commit('fix: a version', { version: '1.1' }); return [r.out] }, 2, /^release: error: the version "1\.1" in package\.json is no release: .*\n$/, 'a bad version'],
    [r => { r.commit('feat: a package', { version: '1.1.0', scripts: ALL, dependencies: { fastify: '5.0.0' } }); return [r.out] }, 2, /^release: error: npm does not reach its registry \(ECONNREFUSED\): check the network and npm config get registry\n$/, 'no network'],
    [() => ['artefacts'], 2, /^release: error: \S+\/tree\/artefacts is in the tree: name a folder outside of it\n$/, 'a folder in the tree'],
    [r => { mkdirSync(r.out); writeFileSync(join(r.out, 'file'), ''); return [r.out] }, 2, /^release: error: \S+\/out has files in it: name another folder, or empty it\n$/, 'a folder with files'],
    [() => ['--dry-run'], 2, /^release: error: "--dry-run" is not one folder: write npm run release -- FOLDER\n$/, 'an unknown flag'],
    [r => { rmSync(join(r.dir, '.git'), { recursive: true }); return [r.out] }, 2, /^release: error: \S+\/tree has no commit of git: a release is made in a clone\n$/, 'no repository'],
    [r => { r.commit('fix: a script', { version: '1.1.0', scripts: { package: 'exit 1' } }); return [r.out] }, 1, /^release: error: npm run --silent package failed:/, 'a failure of the build'],
    [r => { r.commit('fix: a script', { version: '1.1.0', scripts: { package: make('other.tgz') } }); return [r.out] }, 1, /^release: error: npm run package made no npm package: no file fits .*\n$/, 'a script without its file']
  ]
  for (const [spoil, status, line, reason] of rows) {
    const repository = new Repository(t, ALL)
    const args = spoil(repository)
    const had = existsSync(repository.out)
    const { stderr, ...result } = repository.release(...args)
    t.match(stderr, line, reason)
    t.strictSame(result, { status, stdout: '' })
    t.equal(existsSync(repository.out), had)
  }
})
