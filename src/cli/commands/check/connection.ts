import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { DetailedPeerCertificate, PeerCertificate, TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { ProxyError } from '../../../errors.ts'
import { explainFailure } from '../../../upstream/failures.ts'
import { createConnector } from '../../../upstream/connector.ts'
import { Dialer, withDeadline } from '../../../upstream/dial.ts'
import { portOf } from '../../../maas/maas-url.ts'
import { withoutBrackets } from '../../../listen/address.ts'
import type { Config } from '../../../settings/load.ts'
import { failed, passed, type Step } from './step.ts'

/** The remaining days of a certificate from which a new one is advised. */
const FEW_DAYS = 30

const DAY_MS = 86_400_000

/** The address of the first connection: MAAS, or the egress proxy. */
interface Hop {
  host: string
  port: number
  /** the beginning of messages about the hop; empty for MAAS */
  who: string
}

/**
 * Checks the connection to MAAS: name, TCP and TLS. With an egress proxy, name and TCP are those of the egress proxy,
 * and TLS is that of MAAS behind it. It stops after the first step that fails.
 */
export async function * checkConnection (config: Config): AsyncGenerator<Step> {
  const first = new URL(config.egress?.origin ?? config.maasUrl.origin)
  const who = config.egress === null ? '' : 'the egress proxy '
  const hop = { host: withoutBrackets(first.hostname), port: Number(portOf(first)), who }
  const steps = [checkName, checkTcp, ...config.maasUrl.origin.startsWith('https:') ? [checkTls] : []]
  for (const check of steps) {
    const step = await check(hop, config)
    yield step
    if (!step.ok) return
  }
}

async function checkName ({ host, who }: Hop): Promise<Step> {
  if (isIP(host) !== 0) return passed('name', `${who}${host} is an address`)
  return await attempt('name', who, async () => {
    const addresses = await lookup(host, { all: true })
    return passed('name', `${who}${host} is ${addresses.map(({ address }) => address).join(', ')}`)
  })
}

async function checkTcp (hop: Hop, { connectTimeoutMs }: Config): Promise<Step> {
  return await attempt('tcp', hop.who, async () => {
    const { host, port, who } = hop
    const dialer = new Dialer()
    const socket = await withDeadline(connectTimeoutMs, async signal => await dialer.dial(host, port, signal))
    const { remoteAddress } = socket
    socket.destroy()
    return passed('tcp', `${who}${remoteAddress} accepts connections on port ${port}`)
  })
}

/** Checks TLS with the connector of requests. */
async function checkTls (_first: Hop, config: Config): Promise<Step> {
  return await attempt('tls', '', async () => {
    const { protocol, host, hostname, port } = new URL(config.maasUrl.origin)
    const connector = createConnector(config.maasUrl.origin, config)
    const connectMaas = promisify(connector) as (target: object) => Promise<TLSSocket>
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
  if (!socket.authorized) {
    const remedy = 'the API key goes to whoever answers there: use --ca-file in place of --insecure-skip-tls-verify'
    return passed('tls', detail, remedy)
  }
  return passed('tls', detail, days < FEW_DAYS ? 'the certificate of MAAS ends soon: renew it' : null)
}

/**
 * The names in a chain, from the certificate of MAAS to the root, which is its own issuer. A certificate without a
 * common name has alternative names only.
 */
function chainOf (certificate: PeerCertificate): string[] {
  const names: string[] = []
  for (let at: PeerCertificate | undefined = certificate; at !== undefined; at = issuerOf(at)) {
    names.push(String(at.subject?.CN ?? at.subjectaltname))
  }
  return names
}

function issuerOf (certificate: PeerCertificate): PeerCertificate | undefined {
  const { issuerCertificate: issuer } = certificate as Partial<DetailedPeerCertificate>
  return issuer === certificate ? undefined : issuer
}

/** Runs one step. @param who as {@link Hop.who} */
async function attempt (name: Step['name'], who: string, act: () => Promise<Step>): Promise<Step> {
  try {
    return await act()
  } catch (error) {
    const failure = who === '' ? explainFailure(error as Error) : new ProxyError('MAAS_PROXY_EGRESS_UNREACHABLE')
    const { message, remedy } = failure
    return failed(name, `${message} (${(error as NodeJS.ErrnoException).code})`, remedy)
  }
}
