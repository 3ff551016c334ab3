// Bundles the program into one script: one file is read in place of about four hundred, and V8 can cache what it
// compiles (`code-cache.mjs`). It starts in 404 ms in place of 627, with the cache in 361 (2026-11-27, Node 24); run
// dist/cli/program.js in place of the bundle to measure again. The library, dist/index.js, is not bundled: it shares
// fastify with its host.
import { build } from 'esbuild'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { builtCommit } from './git.mjs'
import { MINIMUM_NODE, minimumNode } from './minimum-node.mjs'
import { sbomOf } from './sbom.mjs'

/**
 * The part of undici that the program and @fastify/reply-from use. With fetch, web sockets, caches and mocks the start
 * takes 386 ms in place of 358, and an idle process 77 MiB in place of 74 (medians of 15 starts in turns, 2026-11-27,
 * Node 24; build without this plugin to measure again). It is an ES module so that esbuild refuses an import that it
 * lacks.
 */
const UNDICI_CLIENT = `
import Dispatcher from 'undici/lib/dispatcher/dispatcher'
import api from 'undici/lib/api'
Object.assign(Dispatcher.prototype, api)
export { Dispatcher }
export { default as Client } from 'undici/lib/dispatcher/client'
export { default as Pool } from 'undici/lib/dispatcher/pool'
export { default as BalancedPool } from 'undici/lib/dispatcher/balanced-pool'
export { default as Agent } from 'undici/lib/dispatcher/agent'
export { default as buildConnector } from 'undici/lib/core/connect'
export { default as errors } from 'undici/lib/core/errors'`

const undiciClient = {
  name: 'undici-client',
  setup (build) {
    build.onLoad({ filter: /node_modules[\\/]undici[\\/]index\.js$/ }, () => ({ contents: UNDICI_CLIENT }))
  }
}

/** prom-client has the API of OpenTelemetry for exemplars, which the program does not use. It may not be installed. */
const withoutExemplars = {
  name: 'without-exemplars',
  setup (build) {
    build.onResolve({ filter: /^@opentelemetry\/api$/ }, ({ path, importer }) => (
      /node_modules[\\/]prom-client[\\/]/.test(importer) ? { path, namespace: 'unused' } : null
    ))
    build.onLoad({ filter: /.*/, namespace: 'unused' }, () => ({ contents: 'module.exports = {}' }))
  }
}

/**
 * SQLite reads a file beside its own code, so it stays a package. A vm script cannot use `import()`, so the loader
 * passes `importPackage`.
 */
const sqliteAsPackage = {
  name: 'sqlite-as-package',
  setup (build) {
    build.onResolve({ filter: /^@sqlite\.org\/sqlite-wasm$/ }, ({ path }) => ({ path, namespace: 'package' }))
    build.onLoad({ filter: /.*/, namespace: 'package' }, ({ path }) => ({
      contents: `export default async () => await (await importPackage('${path}')).default()`
    }))
  }
}

const inRoot = path => fileURLToPath(new URL(`../${path}`, import.meta.url))

/** The entry loads the rest only when it has found the Node that the program needs. */
const laterAsFile = {
  name: 'later-as-file',
  setup (build) {
    build.onResolve({ filter: /^\.\/cli\/process\.ts$/ }, () => ({ path: './cli/process.js', external: true }))
  }
}

/** Replaces `program.ts` by a stub that loads the bundle. */
const bundleForSources = {
  name: 'bundle-for-sources',
  setup (build) {
    build.onLoad({ filter: /src[\\/]cli[\\/]program\.ts$/ }, () => ({
      contents: `import { loadScript } from './performance/code-cache.ts'
export const { program } = loadScript(new URL('../bundle.cjs', import.meta.url)).exports`,
      resolveDir: inRoot('src')
    }))
  }
}

const COMMON = {
  outdir: inRoot('dist'),
  allowOverwrite: true,
  bundle: true,
  platform: 'node',
  logLevel: 'warning',
  preserveSymlinks: true // keeps the paths of packages in the bundle independent of where node_modules really is
}
const MODULE = { ...COMMON, format: 'esm' }
const TARGET = `node${MINIMUM_NODE}`

// In dist, like main.js, because `packageFile` looks one level above the script. Wrapped in one function;
// `RunnableScript` documents its parameters.
const { metafile } = await build({
  ...COMMON,
  target: TARGET,
  entryPoints: { bundle: inRoot('src/cli/program.ts') },
  outExtension: { '.js': '.cjs' },
  format: 'cjs',
  minifyWhitespace: true, // saves a third of the text, which stays in memory, and keeps names and lines to find errors
  lineLimit: 160,
  charset: 'ascii',
  legalComments: 'none', // the whole licences are copied below
  metafile: true,
  sourcemap: 'linked', // lets stacks name the sources
  sourcesContent: false,
  plugins: [undiciClient, withoutExemplars, sqliteAsPackage],
  external: [
    '@opentelemetry/*', // instruments modules when they load, and may not be installed
    'light-my-request' // never loaded
  ],
  define: { 'import.meta.url': 'bundleUrl' },
  banner: { js: '(function (require, importPackage, bundleUrl) { "use strict"; const module = {};' },
  footer: { js: 'return module.exports })' }
})
await build({
  ...MODULE,
  target: TARGET,
  entryPoints: { 'cli/process': inRoot('src/cli/process.ts') },
  plugins: [bundleForSources]
})
await build({ ...MODULE, target: 'node14', entryPoints: [inRoot('src/main.ts')], plugins: [minimumNode, laterAsFile] })

// Source paths relative to the repository, independent of the build directory.
const map = JSON.parse(readFileSync(inRoot('dist/bundle.cjs.map'), 'utf8'))
const sources = map.sources.map(path => path.replace(/^(?:\.\.\/)+(?:.*(?=node_modules\/))?/, ''))
writeFileSync(inRoot('dist/bundle.cjs.map'), JSON.stringify({ ...map, sourceRoot: '..', sources }))

// Copies the licences of all bundled packages into a file beside the bundle.
const PACKAGE = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//
const packages = new Set(Object.keys(metafile.inputs).flatMap(path => PACKAGE.exec(path)?.[1] ?? []))
const bundled = [...packages].sort().map(path => {
  const file = readdirSync(inRoot(path)).find(name => /^(licen[cs]e|copying)/i.test(name))
  const { name, version, license } = JSON.parse(readFileSync(inRoot(`${path}/package.json`), 'utf8'))
  const text = file === undefined ? '' : readFileSync(inRoot(`${path}/${file}`), 'utf8').trim()
  return { ref: `${name}@${version}`, licence: `${name} ${version}: ${license}\n\n${text}\n` }
})
const line = `\n${'-'.repeat(80)}\n\n`
writeFileSync(inRoot('dist/LICENSES-OF-PACKAGES'), bundled.map(({ licence }) => licence).join(line))
const sbom = sbomOf(new Set(bundled.map(({ ref }) => ref)))
writeFileSync(inRoot('dist/sbom.cdx.json'), `${JSON.stringify(sbom, null, 2)}\n`)

writeFileSync(inRoot('dist/commit'), builtCommit())
