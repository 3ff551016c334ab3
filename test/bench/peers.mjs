// Who is compared: how each is started in front of an upstream, what it needs, and how much of its cost ours may have.
// All are single processes that keep their connections to the upstream, and none but ours logs.
import { existsSync, readFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, has, listening, scratch, SEARCHED, start } from './processes.mjs'
import { KEY } from './sample.mjs'
import { nginxUpstream, startCaddy, startHaproxy, startKubectl, startNginx } from './servers.mjs'

const here = name => fileURLToPath(new URL(name, import.meta.url))

/**
 * A build of ours with everything on: the guard, rules, classification, signing, and the access log.
 * @param root where its package.json and dist are
 */
export function ours (root, name) {
  const log = join(scratch, `${name}.log`)
  return {
    name,
    signs: true,
    version: () => versionIn(join(root, 'package.json')),
    log,
    start: ({ port, upstream, caFile }) => ({
      command: [process.execPath, '--', join(root, 'dist/main.js'), '--listen', `127.0.0.1:${port}`, '--log-level', 'info', '--log-format', 'json',
        '--allow', 'GET machines/**', '--allow', 'POST machines/*?op=power_on', '--allow', '* files/**', '--deny', 'DELETE **', '--deny', 'GET machines/*?op=details',
        ...caFile === undefined ? [] : ['--ca-file', caFile]],
      env: { MAAS_URL: `${upstream}/MAAS`, MAAS_API_KEY: `${KEY.consumer}:${KEY.token}:${KEY.secret}` },
      stdoutFile: log
    })
  }
}

export const OURS = ours(here('../..'), 'maas-auth-proxy')

const ASK_KUBECTL = ['kubectl', 'version', '--client']

/** The goal is the CPU of ours for a request as a share of the peer's. */
export const PEERS = [
  { goal: 2.6, ...fromDebian('nginx', 'nginx-light', ['nginx', '-v']), start: startNginx },
  { ...fromDebian('haproxy', 'haproxy', ['haproxy', '-v']), start: startHaproxy },
  { goal: 0.55, ...fromDebian('caddy', 'caddy', ['caddy', 'version']), start: startCaddy },
  { goal: 0.35, ...fromDebian('kubectl proxy', 'kubernetes-client', ASK_KUBECTL), signs: false, start: startKubectl },
  { goal: 0.58, ...fromNpm('@fastify/http-proxy', '../../node_modules') },
  {
    name: 'node:http and undici',
    signs: true,
    start: ({ port, upstream }) => ({ command: [process.execPath, here('bare-relay.mjs'), String(port), upstream] })
  },
  fromNpm('http-proxy-3', 'node_modules'),
  fromNpm('httpxy', 'node_modules')
]

/** @param asked the command that prints its version */
function fromDebian (name, debian, asked) {
  const [command] = asked
  return { name, signs: true, command, debian, version: () => said(asked), isThere: () => has(command) }
}

/** @param modules where it is installed: beside the proxy, or by the package.json of this directory */
function fromNpm (name, modules) {
  const manifest = here(`${modules}/${name}/package.json`)
  return {
    name,
    signs: false,
    version: () => versionIn(manifest),
    isThere: () => existsSync(manifest),
    start: ({ port, upstream }) => ({ command: [process.execPath, here('node-peer.mjs'), name, String(port), upstream] })
  }
}

function versionIn (manifest) {
  return JSON.parse(readFileSync(manifest, 'utf8')).version
}

function said ([command, ...args]) {
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, PATH: SEARCHED } })
  return /\d+\.\d+\.\d+/.exec(stdout + stderr)?.[0] ?? '?'
}

/** Whether a candidate is installed. Another build of ours always is. */
export const isThere = candidate => candidate.isThere?.() ?? true

/** Which peers are left out because they are not installed, and how to install them: a line for each way. */
export function missing (peers) {
  const absent = peers.filter(peer => !isThere(peer))
  const packages = absent.flatMap(({ debian = [] }) => debian)
  const line = (peers, install) => `left out: ${peers.map(({ name }) => name).join(', ')}; to install: ${install}`
  return [
    [absent.filter(({ debian }) => debian !== undefined), `apt-get install ${packages.join(' ')}`],
    [absent.filter(({ debian }) => debian === undefined), 'npm ci --prefix test/bench']
  ].flatMap(([peers, install]) => peers.length === 0 ? [] : line(peers, install))
}

/**
 * Starts a candidate and waits until it listens.
 * @returns the candidate with its process, its address and the milliseconds that it took
 */
export async function launch (candidate, settings) {
  const port = await freePort()
  const { command, ...options } = candidate.start({ port, ...settings })
  const since = performance.now()
  const child = start(command, { core: 'proxy', ...options })
  return { ...candidate, child, url: `http://127.0.0.1:${port}`, startMs: await listening(child, port, since) }
}

/**
 * Starts an upstream.
 * @param pem file with key and certificate, for https
 * @param nginx whether it is that, or ours, which also takes and sends large bodies
 */
export async function launchUpstream ({ nginx = false, pem } = {}) {
  const port = await freePort()
  const child = start(nginx ? nginxUpstream(port) : [process.execPath, here('upstream.mjs'), String(port), ...pem === undefined ? [] : [pem]])
  await listening(child, port)
  return { child, port, url: `${pem === undefined ? 'http' : 'https'}://127.0.0.1:${port}` }
}
