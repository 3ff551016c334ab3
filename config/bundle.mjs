// Bundles the program, so that it starts in half the time: one file to read and parse in place of some four hundred. What is loaded only
// when it is used stays apart (`splitting`). The library, dist/index.js, is not bundled: it shares fastify with its host.
import { build } from 'esbuild'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * Of undici its client alone: fetch, web sockets, caches and mocks, which nobody here uses, would cost a fifth of the start and a tenth of
 * the memory. What @fastify/reply-from looks at is among it.
 */
const UNDICI_CLIENT = `
const Dispatcher = require('undici/lib/dispatcher/dispatcher')
Object.assign(Dispatcher.prototype, require('undici/lib/api'))
module.exports = {
  Dispatcher,
  Client: require('undici/lib/dispatcher/client'),
  Pool: require('undici/lib/dispatcher/pool'),
  BalancedPool: require('undici/lib/dispatcher/balanced-pool'),
  Agent: require('undici/lib/dispatcher/agent'),
  buildConnector: require('undici/lib/core/connect')
}`

const undiciClient = {
  name: 'undici-client',
  setup (build) {
    build.onLoad({ filter: /node_modules\/undici\/index\.js$/ }, () => ({ contents: UNDICI_CLIENT }))
  }
}

/** @fastify/http-proxy loads its web sockets before it is asked for any; it is never asked. */
const noWebSockets = {
  name: 'no-web-sockets',
  setup (build) {
    build.onLoad({ filter: /node_modules\/ws\/index\.js$/ }, () => ({ contents: 'module.exports = {}' }))
  }
}

const inRoot = path => fileURLToPath(new URL(`../${path}`, import.meta.url))

const { metafile } = await build({
  entryPoints: [inRoot('src/main.ts')],
  outdir: inRoot('dist'),
  entryNames: '[name]',
  chunkNames: 'bundle-[name]-[hash]', // beside main.js, so that `shipped` finds what is shipped
  allowOverwrite: true,
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  legalComments: 'none', // below are whole licences
  metafile: true,
  logLevel: 'warning',
  // SQLite reads a file beside its own code; OpenTelemetry puts itself between modules. Both are loaded only when they are used. What Fastify
  // has for schemas and for tests is loaded by nobody.
  plugins: [undiciClient, noWebSockets],
  external: ['@sqlite.org/sqlite-wasm', '@opentelemetry/*', '@fastify/ajv-compiler', '@fastify/fast-json-stringify-compiler', 'light-my-request'],
  // Packages in CommonJS ask for built-in modules by `require`, which a module does not have.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" }
})

// What is bundled keeps its licence: a copy of each, beside the bundle.
const packages = new Set(Object.keys(metafile.inputs).flatMap(path => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []))
const licences = [...packages].sort().map(path => {
  const file = readdirSync(inRoot(path)).find(name => /^(licen[cs]e|copying)/i.test(name))
  const { name, version, license } = JSON.parse(readFileSync(inRoot(`${path}/package.json`), 'utf8'))
  return `${name} ${version}: ${license}\n\n${file === undefined ? '' : readFileSync(inRoot(`${path}/${file}`), 'utf8').trim()}\n`
})
writeFileSync(inRoot('dist/LICENSES-OF-PACKAGES'), licences.join(`\n${'-'.repeat(80)}\n\n`))
