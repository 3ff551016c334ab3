import type { IncomingMessage, ServerResponse } from 'node:http'
import { finished } from 'node:stream'
import type { Duplex } from 'node:stream'

import { NGINX, nginxPage } from './answers.ts'
import { Answer } from './answers.ts'
import type { Target } from './target.ts'

/** The limit of bodies, in bytes: `client_max_body_size 10M`. */
const BODY_LIMIT = 10 * 1024 * 1024
/** The buffers for the header, nginx's default: `large_client_header_buffers 4 8k`. A line must fit into one. */
const HEADER_BUFFERS = { count: 4, size: 8 * 1024 }
/** What is read of a header at most, so that nginx's answer to a long one can be given. */
export const HEADER_LIMIT = 16 * HEADER_BUFFERS.count * HEADER_BUFFERS.size

const badRequestPage = nginxPage(400, 'Bad Request')
const longHeaderPage = nginxPage(400, 'Bad Request', {}, 'Request Header Or Cookie Too Large')
/** The answer to a body over the limit (row "POST files, signed, 11,000,000 bytes"); nginx closes the connection. */
export const tooLargePage = nginxPage(413, 'Request Entity Too Large', { Connection: 'close' })
/** The page of the UI, as in the recorded MAAS. */
const uiPage = new Answer(200, 'text/html', '<html>MAAS UI</html>\n', {
  headers: { 'Last-Modified': 'Thu, 26 Nov 2026 19:40:43 GMT', ETag: '"6b088b3b-15"', 'Accept-Ranges': 'bytes' }
})

/** Returns nginx's own answer, given before it reads the body; null if it passes the request to the region. */
export function answerAsNginx (request: IncomingMessage, target: Target): Answer | null {
  const { method = '', url = '', rawHeaders, headers, httpVersion } = request
  if (method.length + url.length > HEADER_BUFFERS.size - ' HTTP/1.1\r\n'.length) {
    return nginxPage(414, 'Request-URI Too Large')
  }
  // Rows "two Authorization headers ...".
  if (count(rawHeaders, 'authorization') > 1 || count(rawHeaders, 'host') > 1) return badRequestPage
  if (isHeaderLong(rawHeaders)) return longHeaderPage
  if (target.location === null) return badRequestPage
  if (httpVersion === '1.1' && headers.host === undefined) return badRequestPage
  if (method === 'TRACE') return nginxPage(405, 'Not Allowed')
  if (Number(headers['content-length'] ?? 0) > BODY_LIMIT) return tooLargePage
  // Row "/MAAS/".
  if (['/', '/MAAS', '/MAAS/'].includes(target.location)) {
    return nginxPage(301, 'Moved Permanently', { Location: '/MAAS/r/' })
  }
  if (target.location === '/MAAS/r/') return uiPage
  const isForRegion = target.location.startsWith('/MAAS/') && !target.location.startsWith('/MAAS/r/')
  return isForRegion ? null : nginxPage(404, 'Not Found')
}

function count (rawHeaders: string[], name: string): number {
  return rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === name).length
}

/** Whether a line does not fit into a buffer, or all lines together not into the buffers. */
function isHeaderLong (rawHeaders: string[]): boolean {
  const lengths = rawHeaders.map((text, i) => text.length + (i % 2 === 0 ? ': '.length : '\r\n'.length))
  const lines = lengths.filter((_, i) => i % 2 === 0).map((length, i) => length + (lengths[2 * i + 1] as number))
  const total = lines.reduce((sum, length) => sum + length, 0)
  return total > HEADER_BUFFERS.count * HEADER_BUFFERS.size || lines.some(length => length > HEADER_BUFFERS.size)
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

/** How long nginx waits for the next byte, in milliseconds (`lingering_timeout`). */
const LINGERING_TIMEOUT = 5_000

/** Answers bytes that are not HTTP, or a header that is too long. */
export function rejectConnection (error: NodeJS.ErrnoException, socket: Duplex): void {
  const isTooLong = error.code === 'HPE_HEADER_OVERFLOW'
  const page = isTooLong ? nginxPage(414, 'Request-URI Too Large') : badRequestPage
  const { status, reason, body } = page
  const head = `HTTP/1.1 ${status} ${reason}\r\nServer: ${NGINX}\r\nDate: ${new Date().toUTCString()}\r\n` +
    `Content-Type: text/html\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`
  socket.end(head + body.toString())
}
