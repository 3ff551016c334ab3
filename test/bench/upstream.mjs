// The upstream of ours, in a process of its own: `node upstream.mjs PORT [KEY-AND-CERTIFICATE-FILE]`. It serves the
// sample answer, says which `Authorization` it got, sends as many bytes as it is asked for, and counts those it is
// sent.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { ECHO_PATH, SAMPLE } from './sample.mjs'

const CHUNK = Buffer.alloc(64 * 1024, 'x')
const [port, pem] = process.argv.slice(2)

const server = pem === undefined
  ? createServer(answer)
  : createTlsServer({ key: readFileSync(pem), cert: readFileSync(pem) }, answer)
server.keepAliveTimeout = 0
server.listen(Number(port), '127.0.0.1')

async function answer (request, response) {
  response.setHeader('Content-Type', 'application/json')
  if (request.method === 'POST') return end(response, String(await received(request)))
  const size = /size=(\d+)/.exec(request.url)
  if (size !== null) return await send(response, Number(size[1]))
  end(response, request.url.startsWith(ECHO_PATH) ? request.headers.authorization ?? '' : SAMPLE)
}

function end (response, text) {
  response.setHeader('Content-Length', Buffer.byteLength(text))
  response.end(text)
}

async function send (response, size) {
  response.setHeader('Content-Length', size)
  for (let sent = 0; sent < size; sent += CHUNK.length) if (!response.write(CHUNK)) await once(response, 'drain')
  response.end()
}

async function received (request) {
  let size = 0
  for await (const chunk of request) size += chunk.length
  return size
}
