import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls'
import { explainFailure } from '../../forward/failures.ts'
import { tlsOptions } from '../../forward/upstream.ts'
import type { Config } from '../../settings/load.ts'
import { failed, passed, type Step } from './step.ts'

/** Days that are left to a certificate when it is time to think of a new one. */
const FEW_DAYS = 30

const DAY_MS = 86_400_000

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 }

/** Where MAAS is, as sockets want it. */
interface Place {
  host: string
  port: number
}

/** Looks at the way to MAAS, from its name up to TLS. Steps after one that failed are left out, since they could not but fail. */
export async function * checkConnection (config: Config): AsyncGenerator<Step> {
  const { protocol, hostname, port } = new URL(config.maasUrl.origin)
  const place = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || DEFAULT_PORTS[protocol]) }
  const steps = [checkName, checkTcp, ...protocol === 'https:' ? [checkTls] : []]
  for (const check of steps) {
    const step = await check(place, config)
    yield step
    if (!step.ok) return
  }
}

async function checkName ({ host }: Place): Promise<Step> {
  if (isIP(host) !== 0) return passed('name', `${host} is an address`)
  return await attempt('name', async () => {
    const addresses = await lookup(host, { all: true })
    return passed('name', `${host} is ${addresses.map(({ address }) => address).join(', ')}`)
  })
}

async function checkTcp (place: Place, { connectTimeoutMs }: Config): Promise<Step> {
  return await attempt('tcp', async () => {
    const socket = connect(place)
    try {
      await happened(socket, 'connect', connectTimeoutMs)
      return passed('tcp', `${socket.remoteAddress} accepts connections on port ${place.port}`)
    } finally {
      socket.destroy()
    }
  })
}

async function checkTls (place: Place, config: Config): Promise<Step> {
  return await attempt('tls', async () => {
    const socket = connectTls({ ...place, servername: isIP(place.host) === 0 ? place.host : '', ...tlsOptions(config) })
    try {
      await happened(socket, 'secureConnect', config.connectTimeoutMs)
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

async function attempt (name: Step['name'], act: () => Promise<Step>): Promise<Step> {
  try {
    return await act()
  } catch (error) {
    const { message, remedy } = explainFailure(error as Error)
    return failed(name, `${message} (${(error as NodeJS.ErrnoException).code})`, remedy)
  }
}

/** Waits for an event of a socket. @throws the error of the socket, or ETIMEDOUT */
async function happened (socket: Socket, event: string, timeoutMs: number): Promise<void> {
  socket.setTimeout(timeoutMs, () => socket.destroy(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' })))
  await once(socket, event)
}
