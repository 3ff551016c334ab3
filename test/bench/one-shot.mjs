// What somebody feels who calls curl once, with MAAS behind TLS and 10 ms away: curl straight there, which has
// connections to make, and curl to the proxy, which has one.
import 'reflect-metadata' // @peculiar/x509 asks for it
import { PemConverter, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509'
import { webcrypto } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { launch, launchUpstream, OURS } from './peers.mjs'
import { freePort, has, listening, scratch, start, stop } from './processes.mjs'
import { figure } from './stats.mjs'
import { PATHS } from './sample.mjs'

const ROUND_TRIP_MS = 10
const ROUNDS = 12
/** how often the shell calls curl in a round */
const CALLS = 8
const GOAL = 0.5
const RELAY_FILE = fileURLToPath(new URL('delay-relay.mjs', import.meta.url))
const DIRECT = 'no proxy'

export async function measureOneShot ({ tell }) {
  if (!has('curl')) return []
  tell(`curl, ${ROUNDS * CALLS} times each`)
  const pem = await writeCertificate()
  const upstream = await launchUpstream({ pem })
  const port = await freePort()
  const relay = {
    child: start([process.execPath, RELAY_FILE, String(port), String(upstream.port), String(ROUND_TRIP_MS)])
  }
  await listening(relay.child, port)
  const far = `https://127.0.0.1:${port}`
  const ours = await launch(OURS, { upstream: far, caFile: pem })
  const ms = new Map([[OURS.name, []], [DIRECT, []]])
  for (let i = 0; i < ROUNDS; i++) {
    ms.get(OURS.name).push(await curl(ours.url))
    ms.get(DIRECT).push(await curl(far, '--cacert', pem))
  }
  await Promise.all([ours, relay, upstream].map(({ child }) => stop(child)))
  return [figure(`curl once, https ${ROUND_TRIP_MS} ms away`, 'ms', ms, { against: DIRECT, goal: GOAL })]
}

/**
 * Has a shell call curl, one call after another: a shell starts a command as users do, and faster than this process,
 * which has grown large.
 * @returns milliseconds a call
 */
async function curl (url, ...options) {
  const since = performance.now()
  const child = start(['sh', '-c', `for i in $(seq ${CALLS}); do curl --silent --fail --output /dev/null "$@" || exit; done`, 'sh', ...options, url + PATHS[0]])
  await child.ended
  if (child.exitCode !== 0) throw new Error(`curl ${url} ended with ${child.exitCode}`)
  return (performance.now() - since) / CALLS
}

/** @returns the path of a file with a key and its certificate for 127.0.0.1 */
async function writeCertificate () {
  const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({ name: 'CN=maas', keys, signingAlgorithm, extensions: [new SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])] })
  const path = join(scratch, 'upstream.pem')
  writeFileSync(path, `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')}\n${certificate.toString('pem')}\n`)
  return path
}
