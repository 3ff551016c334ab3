import { request } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'

/** A request as it is to stand on the wire: nothing is normalised, reordered or joined. */
export interface Ask {
  method?: string
  /** Below the origin, as sent. */
  path: string
  /** Header lines, name and value; Host and Content-Length come by themselves. */
  headers?: Array<[string, string]>
  body?: string | Buffer
  chunked?: boolean
}

/** What came back. */
export interface Told { status: number, reason: string, headers: IncomingHttpHeaders, bytes: Buffer, body: string }

/** Asks on a connection of its own. */
export async function ask (port: number, { method = 'GET', path, headers = [], body, chunked = false }: Ask): Promise<Told> {
  const hosted = headers.some(([name]) => name.toLowerCase() === 'host') ? headers : [['Host', `127.0.0.1:${port}`], ...headers]
  const framed = body === undefined
    ? hosted
    : [...hosted, chunked ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', String(Buffer.byteLength(body))]]
  return await new Promise((resolve, reject) => {
    const outgoing = request({ port, method, path, headers: framed.flat(), agent: false }, incoming => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => { chunks.push(chunk) })
      incoming.on('error', reject)
      incoming.on('end', () => {
        const bytes = Buffer.concat(chunks)
        resolve({
          status: incoming.statusCode as number,
          reason: incoming.statusMessage as string,
          headers: incoming.headers,
          bytes,
          body: bytes.toString()
        })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** The three parts of an API key. */
export interface Key { consumer: string, token: string, secret: string }

/** OAuth parameters, percent-encoded as they go into the header; a change to undefined leaves one out. */
export function parameters (
  key: Key, timestamp: number, changes: Record<string, string | undefined> = {}
): Array<[string, string]> {
  const all: Record<string, string | undefined> = {
    oauth_version: '1.0',
    oauth_signature_method: 'PLAINTEXT',
    oauth_consumer_key: key.consumer,
    oauth_token: key.token,
    oauth_signature: `%26${key.secret}`,
    oauth_timestamp: String(timestamp),
    oauth_nonce: `n${++nonces}-${process.pid}-${Date.now()}`,
    ...changes
  }
  return Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined)
}

/**
 * A header signed with PLAINTEXT, written by hand so that it agrees with nobody's idea of OAuth but the
 * specification's.
 */
export function sign (key: Key, timestamp: number, changes: Record<string, string | undefined> = {}): string {
  return `OAuth ${parameters(key, timestamp, changes).map(([name, value]) => `${name}="${value}"`).join(', ')}`
}

/** A multipart body; a part with a file name is a file. */
export function multipart (
  parts: Array<{ name: string, value: string | Buffer, filename?: string }>
): { type: string, body: Buffer } {
  const chunks = parts.flatMap(({ name, value, filename }) => [
    `--frontier\r\nContent-Disposition: form-data; name="${name}"`,
    filename === undefined ? '\r\n\r\n' : `; filename="${filename}"\r\nContent-Type: application/octet-stream\r\n\r\n`,
    value,
    '\r\n'
  ])
  return { type: 'multipart/form-data; boundary=frontier', body: Buffer.concat([...chunks, '--frontier--\r\n'].map(chunk => Buffer.from(chunk))) }
}

let nonces = 0
