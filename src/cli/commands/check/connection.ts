import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { connect, isIP } from 'node:net'
import type { PeerCertificate, TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { ProxyError } from '../../../errors.ts'
import { explainFailure } from '../../../upstream/failures.ts'
import { createConnector } from '../../../upstream/pool.ts'
import { portOf } from '../../../maas/maas-url.ts'
import { withoutBrackets } from '../../../listen/address.ts'
import type { Config } from '../../../settings/load.ts'
import { failed, passed, type Step } from './step.ts'

/** Days that are left to a certificate when it is time to think of a new one. */
const FEW_DAYS = 30

const DAY_MS = 86_400_000

/** Where the first connection goes, as sockets want it. */
interface Place {
  host: string
  port: number
  /** what is there, as a message calls it */
  who: string
}

/**
 * Looks at the way to MAAS, from a name up to TLS. Where an egress proxy is on the way, name and TCP are those of it, and TLS is
 * that of MAAS behind it. Steps after one that failed are left out, since they could not but fail.
 */
export async function * checkConnection (config: Config): AsyncGenerator<Step> {
  const first = new URL(config.egress?.origin ?? config.maasUrl.origin)
  const place = { host: withoutBrackets(first.hostname), port: Number(portOf(first)), who: config.egress === null ? '' : 'the egress proxy ' }
  const steps = [checkName, checkTcp, ...config.maasUrl.origin.startsWith('https:') ? [checkTls] : []]
  for (const check of steps) {
    const step = await check(place, config)
    yield step
    if (!step.ok) return
  }
}

async function checkName ({ host, who }: Place): Promise<Step> {
  if (isIP(host) !== 0) return passed('name', `${who}${host} is an address`)
  return await attempt('name', who, async () => {
    const addresses = await lookup(host, { all: true })
    return passed('name', `${who}${host} is ${addresses.map(({ address }) => address).join(', ')}`)
  })
}

async function checkTcp (place: Place, { connectTimeoutMs }: Config): Promise<Step> {
  return await attempt('tcp', place.who, async () => {
    const socket = connect(place)
    try {
      socket.setTimeout(connectTimeoutMs, () => socket.destroy(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' })))
      await once(socket, 'connect')
      return passed('tcp', `${place.who}${socket.remoteAddress} accepts connections on port ${place.port}`)
    } finally {
      socket.destroy()
    }
  })
}

/** By the very connector that requests go by. */
async function checkTls (_first: Place, config: Config): Promise<Step> {
  return await attempt('tls', '', async () => {
    const { protocol, host, hostname, port } = new URL(config.maasUrl.origin)
    const connectMaas = promisify(createConnector(config.maasUrl.origin, config)) as (target: object) => Promise<TLSSocket>
    const socket = await connectMaas({ protocol, host, hostname, port })
    try {
      return describeTls(socket)
    } finally {
      socket.destroy()
    }
  })
}

function describeTls (socket: TLSSocket): Step {
  const certificate = socket.getPeerCertificate(true)
  const days = Math.floor((Date.parse(certificate.valid_to) - Date.now()) / DAY_MS)
  const trust = socket.authorized ? '' : `, not verified (${socket.authorizationError as unknown as string})`
  const detail = `${socket.getProtocol()}, ${chainOf(certificate).join(' < ')}, ${days} days left${trust}`
  if (!socket.authorized) return passed('tls', detail, 'the API key goes to whoever answers there: use --ca-file in place of --insecure-skip-tls-verify')
  return passed('tls', detail, days < FEW_DAYS ? 'the certificate of MAAS ends soon: renew it' : null)
}

/** The names in a chain, from the certificate of MAAS, which may have alternative ones only, up to the root, which is its own issuer. */
function chainOf (certificate: PeerCertificate): string[] {
  const names: string[] = []
  for (let at: PeerCertificate | undefined = certificate; at !== undefined; at = 'issuerCertificate' in at && at.issuerCertificate !== at ? at.issuerCertificate as PeerCertificate : undefined) {
    names.push(String(at.subject?.CN ?? at.subjectaltname))
  }
  return names
}

/** @param who is tried, unless it is MAAS itself */
async function attempt (name: Step['name'], who: string, act: () => Promise<Step>): Promise<Step> {
  try {
    return await act()
  } catch (error) {
    const { message, remedy } = who === '' ? explainFailure(error as Error) : new ProxyError('MAAS_PROXY_EGRESS_UNREACHABLE')
    return failed(name, `${message} (${(error as NodeJS.ErrnoException).code})`, remedy)
  }
}
