import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { ProxyError } from '../errors.ts'
import { connectionOptions } from '../http/fields.ts'
import { METHODS } from '../http/methods.ts'

const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS)
const MAX_HEADER_LINES = 1000

/** Fields that must not be repeated: Node reads the first line, and MAAS may read another. */
const SINGLE_FIELDS = ['host', 'content-type'] as const

/**
 * Checks the parts of a message that Node's parser leaves to the server: method, number of header lines, repeated
 * fields, `Host`, version, transfer coding, upgrade, length and `Connection`.
 * @throws ProxyError with the code of the first problem
 */
export function checkFraming (request: IncomingMessage): void {
  const { headers, httpVersion, method, rawHeaders } = request
  if (!KNOWN_METHODS.has(method as string)) {
    const message = `the method ${method} is not one of the MAAS API`
    throw new ProxyError('MAAS_PROXY_METHOD_UNSUPPORTED', { message })
  }
  if (rawHeaders.length > 2 * MAX_HEADER_LINES) {
    const message = `the request header has more than ${MAX_HEADER_LINES} lines`
    throw new ProxyError('MAAS_PROXY_HEADER_TOO_LARGE', { message })
  }
  const repeated = repeatedField(rawHeaders)
  if (repeated !== undefined) throw malformed(`the request has more than one ${repeated} line`)
  // RFC 9112 §3.2. Node's own check would answer without a body.
  if (headers.host === undefined && httpVersion === '1.1') throw malformed('the request has no Host')
  // Node also takes 0.9 and 2.0, and ends an answer to them with the connection.
  if (httpVersion !== '1.1' && httpVersion !== '1.0') {
    throw malformed(`the request is HTTP/${httpVersion}, and this is a server of HTTP/1.1`)
  }
  const coding = headers['transfer-encoding']
  if (coding !== undefined && httpVersion === '1.0') {
    throw malformed('HTTP/1.0 has no Transfer-Encoding (RFC 9112 §6.1)')
  }
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    throw new ProxyError('MAAS_PROXY_TRANSFER_CODING_UNSUPPORTED')
  }
  // Java and `curl --http2` send `Upgrade: h2c` by default. RFC 9110 §7.8 lets a server ignore it.
  if (headers.upgrade !== undefined && headers.upgrade.toLowerCase() !== 'h2c') {
    throw new ProxyError('MAAS_PROXY_UPGRADE_UNSUPPORTED')
  }
  if (Number(headers['content-length'] ?? 0) > Number.MAX_SAFE_INTEGER) {
    throw malformed('the request has a Content-Length that no body can have')
  }
  if (headers.connection !== undefined) checkConnection(headers.connection)
}

/** Rejects a `Connection` that would remove a field which describes the body or the host. */
function checkConnection (connection: string): void {
  const removed = connectionOptions(connection).find(option => option.startsWith('content-') || option === 'host')
  if (removed === undefined) return
  const message = `Connection names ${removed}, a field that is meant for MAAS too (RFC 9110 §7.6.1)`
  throw new ProxyError('MAAS_PROXY_HEADER_MALFORMED', { message })
}

function malformed (message: string): ProxyError {
  return new ProxyError('MAAS_PROXY_REQUEST_MALFORMED', { message })
}

const socketsAfterUpgrade = new WeakSet<Socket>()

/**
 * Closes a connection after a request with `Upgrade`. Node stops parsing at such a request, so it could mistake the
 * rest of the body for the next request.
 * @throws ProxyError MAAS_PROXY_UPGRADE_UNSUPPORTED if another request follows on the connection
 */
export function closeAfterUpgrade ({ headers, socket }: IncomingMessage, response: ServerResponse): void {
  if (socketsAfterUpgrade.has(socket)) {
    const message = 'nothing may follow on this connection after Upgrade'
    throw new ProxyError('MAAS_PROXY_UPGRADE_UNSUPPORTED', { message })
  }
  if (headers.upgrade === undefined) return
  socketsAfterUpgrade.add(socket)
  response.setHeader('Connection', 'close')
}

/** Finds the first of {@link SINGLE_FIELDS} that is repeated. */
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
