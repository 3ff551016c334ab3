// Single executables, of Node and the program.
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { inject } from 'postject'
import { SEAL_BYTES } from '../../dist/performance/code-cache.js'
import { minimumNode } from '../minimum-node.mjs'
import { BuildError } from './architectures.mjs'
import { licences, sbom } from './contents.mjs'

const inRoot = path => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const VERSION = process.versions.node

/** A small young generation halves the peak memory and costs at most 5 % of CPU. */
const FLAGS = ['--max-semi-space-size=8']

/** Ends Node's own flags. Without it Node itself would read --env-file, and the file could set NODE_OPTIONS. */
const END_OF_FLAGS = '--'

/** What postject looks for in an executable of Node. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

/** What the program reads, by its path in the package. */
const SHIPPED = [
  'package.json', 'dist/commit', 'dist/bundle.cjs', 'dist/bundle.cjs.map', 'config/example.yaml',
  ...readdirSync(inRoot('config')).filter(name => name.endsWith('.json')).map(name => `config/${name}`)
]

const programFromAssets = {
  name: 'program-from-assets',
  setup (build) {
    build.onResolve({ filter: /^\.\/program\.ts$/ }, () => ({ path: inRoot('config/binary/program.ts') }))
  }
}

/**
 * Returns the path of Node for an architecture. That of another one comes from the registry of npm.
 * @throws BuildError if this Node makes no executables, or there is none of the other architecture
 */
function nodeFor (arch, folder) {
  if (process.platform !== 'linux' || Number.parseInt(VERSION) < 24 || !readFileSync(process.execPath).includes(FUSE)) {
    throw new BuildError('this takes the Node that npm ci brings on Linux: write npm run')
  }
  if (arch === process.arch) return process.execPath
  const name = `node-linux-${arch}@${VERSION}`
  const { status, stderr } = spawnSync('npm', ['pack', name, '--pack-destination', folder], { encoding: 'utf8' })
  if (status !== 0) throw new BuildError(`npm does not get ${name}: ${stderr.trim().split('\n')[0]}`)
  const file = readdirSync(folder).find(file => file.endsWith('.tgz'))
  execFileSync('tar', ['-xzf', join(folder, file), '-C', folder])
  return join(folder, 'package/bin/node')
}

/**
 * Makes the executable of an architecture in `dist`, from what `npm run build` has made, with its SBOM and licences
 * beside it.
 * @returns its path
 * @throws BuildError
 */
export async function makeExecutable (arch) {
  const folder = mkdtempSync(join(tmpdir(), 'binary-'))
  try {
    return await makeIn(folder, arch)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function makeIn (folder, arch) {
  const node = nodeFor(arch, folder)
  const made = name => join(folder, name)
  const assets = Object.fromEntries(SHIPPED.map(path => [path, inRoot(path)]))
  assets['sqlite.cjs'] = made('sqlite.cjs')
  assets['sqlite3.wasm'] = inRoot('node_modules/@sqlite.org/sqlite-wasm/sqlite-wasm/jswasm/sqlite3.wasm')
  if (arch === process.arch) { // V8 takes the cache of the same Node under the same flags only
    execFileSync(node, [...FLAGS, '--hash-seed=1', inRoot('config/code-cache.mjs'), made('sealed.cache')])
    writeFileSync(made('bundle.cache'), readFileSync(made('sealed.cache')).subarray(SEAL_BYTES))
    assets['dist/bundle.cjs.cache'] = made('bundle.cache')
  }
  const COMMON = {
    absWorkingDir: inRoot(''),
    preserveSymlinks: true,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: `node${VERSION}`,
    logLevel: 'warning'
  }
  await build({
    ...COMMON,
    entryPoints: [inRoot('src/main.ts')],
    outfile: made('main.cjs'),
    plugins: [minimumNode, programFromAssets]
  })
  await build({
    ...COMMON,
    entryPoints: [inRoot('node_modules/@sqlite.org/sqlite-wasm/node.mjs')],
    outfile: made('sqlite.cjs'),
    define: { 'import.meta.url': '"file:///sqlite.cjs"' }, // of no use, but it has to be a URL
    minifyWhitespace: true
  })
  const config = {
    main: 'main.cjs', // relative, because the blob has this path in it
    output: 'blob',
    disableExperimentalSEAWarning: true,
    execArgv: [...FLAGS, END_OF_FLAGS],
    execArgvExtension: 'none', // ignores NODE_OPTIONS, which a stranger may have set
    assets
  }
  writeFileSync(made('sea.json'), JSON.stringify(config))
  execFileSync(process.execPath, ['--experimental-sea-config', 'sea.json'], { cwd: folder, stdio: 'pipe' })
  const executable = inRoot(`dist/maas-auth-proxy-linux-${arch}`)
  writeFileSync(executable, readFileSync(node))
  await inject(executable, 'NODE_SEA_BLOB', readFileSync(made('blob')), { sentinelFuse: FUSE })
  chmodSync(executable, 0o755)
  writeFileSync(`${executable}.cdx.json`, sbom())
  writeFileSync(`${executable}.LICENSES`, licences())
  return executable
}
