import type { IncomingMessage, ServerResponse } from 'node:http'
import { finished } from 'node:stream'
import type { Duplex } from 'node:stream'

import { NGINX, nginxPage } from './answers.ts'
import type { Answer } from './answers.ts'
import type { Target } from './target.ts'

/** `client_max_body_size 10M` */
const BODY_LIMIT = 10 * 1024 * 1024
/** `large_client_header_buffers 4 32k`: four of them for the header, one for the request line. */
export const HEADER_BUFFERS = { count: 4, size: 32 * 1024 }

const badRequest = nginxPage(400, 'Bad Request')
/** Row "POST files, signed, 11,000,000 bytes"; nginx closes the connection after it. */
export const tooLarge = nginxPage(413, 'Request Entity Too Large', { Connection: 'close' })

/** What nginx answers by itself, before it has read the body; null: the request goes on to the region. */
export function answerAsNginx (request: IncomingMessage, target: Target): Answer | null {
  const url = request.url as string
  if (url.length > HEADER_BUFFERS.size) return nginxPage(414, 'Request-URI Too Large')
  // Rows "two Authorization headers ...".
  if (count(request.rawHeaders, 'authorization') > 1 || count(request.rawHeaders, 'host') > 1) return badRequest
  if (target.location === null) return badRequest
  if (request.httpVersion === '1.1' && request.headers.host === undefined) return badRequest
  if (Number(request.headers['content-length'] ?? 0) > BODY_LIMIT) return tooLarge
  // Row "/MAAS/".
  if (['/', '/MAAS', '/MAAS/'].includes(target.location)) return nginxPage(301, 'Moved Permanently', { Location: '/MAAS/r/' })
  return target.location.startsWith('/MAAS/') && !target.location.startsWith('/MAAS/r/') ? null : nginxPage(404, 'Not Found')
}

function count (rawHeaders: string[], name: string): number {
  return rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === name).length
}

/** What became of a body: nginx hands on only what has arrived whole and is small enough. */
export type BodyRead = { kind: 'whole', body: Buffer } | { kind: 'too large' } | { kind: 'aborted' }

/** Reads a body, never holding more than the limit; what comes beyond it is read and dropped. */
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
 * nginx's lingering close: a client that is still sending must have the chance to see the answer, so what it sends is read and
 * dropped, for as long as it keeps coming.
 */
export function endAfterRequest (request: IncomingMessage, response: ServerResponse): void {
  request.setTimeout(LINGERING_TIMEOUT)
  finished(request, () => response.end())
  request.resume()
}

const LINGERING_TIMEOUT = 5_000

/** What is not HTTP at all, or too long a header. */
export function rejectConnection (error: NodeJS.ErrnoException, socket: Duplex): void {
  const [status, reason] = error.code === 'HPE_HEADER_OVERFLOW' ? [414, 'Request-URI Too Large'] as const : [400, 'Bad Request'] as const
  const head = `HTTP/1.1 ${status} ${reason}\r\nServer: ${NGINX}\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n`
  socket.end(head + nginxPage(status, reason).body.toString())
}
