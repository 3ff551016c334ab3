// Who is compared: how each is started in front of an upstream, what it needs, and how much of its cost ours may have. All are
// single processes that keep their connections to the upstream, and none but ours logs.
import { readFileSync } from 'node:fs'
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

/** The goal is the CPU of ours for a request as a share of the peer's. */
export const PEERS = [
  { name: 'nginx', goal: 2.5, signs: true, command: 'nginx', version: () => said(['nginx', '-v']), start: startNginx },
  { name: 'haproxy', signs: true, command: 'haproxy', version: () => said(['haproxy', '-v']), start: startHaproxy },
  { name: 'caddy', goal: 0.55, signs: true, command: 'caddy', version: () => said(['caddy', 'version']), start: startCaddy },
  { name: 'kubectl proxy', goal: 0.35, signs: false, command: 'kubectl', version: () => said(['kubectl', 'version', '--client']), start: startKubectl },
  { goal: 0.55, ...fromNpm('@fastify/http-proxy') },
  fromNpm('http-proxy-3'),
  fromNpm('httpxy')
]

function fromNpm (name) {
  return {
    name,
    signs: false,
    version: () => versionIn(here(`../../node_modules/${name}/package.json`)),
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

/** Whether a candidate is there to be compared with; what comes from npm always is. */
export const isThere = ({ command }) => command === undefined || has(command)

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
