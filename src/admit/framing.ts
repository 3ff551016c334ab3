import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { ProxyError } from '../errors.ts'
import { connectionOptions } from '../http/fields.ts'
import { METHODS } from '../http/methods.ts'

const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS)
const MAX_HEADER_LINES = 1000

/** Fields of which node reads the first line, and MAAS maybe another. */
const SINGLE_FIELDS = ['host', 'content-type'] as const

/**
 * Checks how the message is put together, beyond what node's parser refuses by itself: its method, the number of header
 * lines, the transfer coding, a protocol to switch to, and that `Connection` takes nothing away that says what the body is.
 * @throws ProxyError with the code of what is wrong
 */
export function checkFraming (request: IncomingMessage): void {
  const { headers, httpVersion, method, rawHeaders } = request
  if (!KNOWN_METHODS.has(method as string)) throw new ProxyError('MAAS_PROXY_METHOD_UNSUPPORTED', { message: `the method ${method} is not one of the MAAS API` })
  if (rawHeaders.length > 2 * MAX_HEADER_LINES) throw new ProxyError('MAAS_PROXY_HEADER_TOO_LARGE', { message: `the request header has more than ${MAX_HEADER_LINES} lines` })
  const repeated = repeatedField(rawHeaders)
  if (repeated !== undefined) throw new ProxyError('MAAS_PROXY_REQUEST_MALFORMED', { message: `the request has more than one ${repeated} line` })
  // RFC 9112 §3.2. node would answer this one itself, without a body that says why.
  if (headers.host === undefined && httpVersion === '1.1') throw new ProxyError('MAAS_PROXY_REQUEST_MALFORMED', { message: 'the request has no Host' })
  const coding = headers['transfer-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') throw new ProxyError('MAAS_PROXY_TRANSFER_CODING_UNSUPPORTED')
  // `Upgrade: h2c` is what Java and `curl --http2` send along by default; RFC 9110 §7.8 lets a server ignore it.
  if (headers.upgrade !== undefined && headers.upgrade.toLowerCase() !== 'h2c') throw new ProxyError('MAAS_PROXY_UPGRADE_UNSUPPORTED')
  if (Number(headers['content-length'] ?? 0) > Number.MAX_SAFE_INTEGER) throw new ProxyError('MAAS_PROXY_REQUEST_MALFORMED', { message: 'the request has a Content-Length that no body has' })
  if (headers.connection === undefined) return
  const taken = connectionOptions(headers.connection).find(option => option.startsWith('content-') || option === 'host')
  if (taken !== undefined) {
    throw new ProxyError('MAAS_PROXY_HEADER_MALFORMED', { message: `Connection names ${taken}, a field that is meant for MAAS too (RFC 9110 §7.6.1)` })
  }
}

const upgrading = new WeakSet<Socket>()

/**
 * Lets no request follow on a connection on which a client offered to switch protocols. node stops reading requests where it
 * sees the offer, and what comes next could be read from the middle of a body.
 * @throws ProxyError MAAS_PROXY_UPGRADE_UNSUPPORTED for a request that follows all the same
 */
export function closeAfterUpgrade ({ headers, socket }: IncomingMessage, response: ServerResponse): void {
  if (upgrading.has(socket)) throw new ProxyError('MAAS_PROXY_UPGRADE_UNSUPPORTED', { message: 'nothing may follow on this connection after Upgrade' })
  if (headers.upgrade === undefined) return
  upgrading.add(socket)
  response.setHeader('Connection', 'close')
}

/** The first of {@link SINGLE_FIELDS} that comes twice. */
function repeatedField (rawHeaders: readonly string[]): string | undefined {
  for (const field of SINGLE_FIELDS) {
    let count = 0
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i] as string
      if (name.length === field.length && name.toLowerCase() === field) count++
    }
    if (count > 1) return field
  }
  return undefined
}
