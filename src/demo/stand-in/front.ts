import type { IncomingMessage, ServerResponse } from 'node:http'
import { finished } from 'node:stream'
import type { Duplex } from 'node:stream'

import { NGINX, nginxPage } from './answers.ts'
import type { Answer } from './answers.ts'
import type { Target } from './target.ts'

/** The limit of bodies, in bytes: `client_max_body_size 10M`. */
const BODY_LIMIT = 10 * 1024 * 1024
/** The buffers for the header: `large_client_header_buffers 4 32k`. The request line must fit into one. */
export const HEADER_BUFFERS = { count: 4, size: 32 * 1024 }

const badRequestPage = nginxPage(400, 'Bad Request')
/** The answer to a body over the limit (row "POST files, signed, 11,000,000 bytes"); nginx closes the connection. */
export const tooLargePage = nginxPage(413, 'Request Entity Too Large', { Connection: 'close' })

/** Returns nginx's own answer, given before it reads the body; null if it passes the request to the region. */
export function answerAsNginx (request: IncomingMessage, target: Target): Answer | null {
  const url = request.url as string
  if (url.length > HEADER_BUFFERS.size) return nginxPage(414, 'Request-URI Too Large')
  // Rows "two Authorization headers ...".
  if (count(request.rawHeaders, 'authorization') > 1 || count(request.rawHeaders, 'host') > 1) return badRequestPage
  if (target.location === null) return badRequestPage
  if (request.httpVersion === '1.1' && request.headers.host === undefined) return badRequestPage
  if (Number(request.headers['content-length'] ?? 0) > BODY_LIMIT) return tooLargePage
  // Row "/MAAS/".
  if (['/', '/MAAS', '/MAAS/'].includes(target.location)) {
    return nginxPage(301, 'Moved Permanently', { Location: '/MAAS/r/' })
  }
  const isForRegion = target.location.startsWith('/MAAS/') && !target.location.startsWith('/MAAS/r/')
  return isForRegion ? null : nginxPage(404, 'Not Found')
}

function count (rawHeaders: string[], name: string): number {
  return rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === name).length
}

/** The result of reading a body: nginx passes on only a complete one within the limit. */
type BodyRead = { kind: 'whole', body: Buffer } | { kind: 'too large' } | { kind: 'aborted' }

/** Reads a body. It holds no more than the limit and drops the rest. */
export function readBody (request: IncomingMessage): Promise<BodyRead> {
  return new Promise(resolve => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= BODY_LIMIT) chunks.push(chunk)
      else resolve({ kind: 'too large' })
    })
    request.on('end', () => resolve({ kind: 'whole', body: Buffer.concat(chunks) }))
    request.on('close', () => resolve({ kind: 'aborted' }))
  })
}

/**
 * Ends a response as nginx's lingering close does: it reads and drops what the client still sends, so that the client
 * sees the answer. It stops after five seconds without a byte.
 */
export function endAfterRequest (request: IncomingMessage, response: ServerResponse): void {
  request.setTimeout(LINGERING_TIMEOUT)
  finished(request, () => response.end())
  request.resume()
}

/** Milliseconds. */
const LINGERING_TIMEOUT = 5_000

/** Answers bytes that are not HTTP, or a header that is too long. */
export function rejectConnection (error: NodeJS.ErrnoException, socket: Duplex): void {
  const isTooLong = error.code === 'HPE_HEADER_OVERFLOW'
  const [status, reason] = isTooLong ? [414, 'Request-URI Too Large'] as const : [400, 'Bad Request'] as const
  const head = `HTTP/1.1 ${status} ${reason}\r\n` +
    `Server: ${NGINX}\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n`
  socket.end(head + nginxPage(status, reason).body.toString())
}
