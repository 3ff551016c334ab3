// The least that a relay costs on node:http and undici, as a floor for ours: `node bare-relay.mjs PORT UPSTREAM`. It
// signs and streams, and nothing else: no check of what comes in, no rules, no log, no answer to a failure.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { Pool } from 'undici'
import { KEY } from './sample.mjs'

const HOP_BY_HOP = /^(?:connection|keep-alive|transfer-encoding|host)$/i

const [port, upstream] = process.argv.slice(2)
const pool = new Pool(upstream, { connections: 256, pipelining: 1 })

createServer(relay).listen(Number(port), '127.0.0.1')

function relay (request, response) {
  const { method, url: path } = request
  const headers = forwarded(request.rawHeaders)
  headers.push('Authorization', `OAuth oauth_version="1.0", oauth_signature_method="PLAINTEXT", oauth_consumer_key="${KEY.consumer}", oauth_token="${KEY.token}", oauth_signature="%26${KEY.secret}", oauth_nonce="${randomUUID().replaceAll('-', '')}", oauth_timestamp="${Math.floor(Date.now() / 1000)}"`)
  const hasBody = request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined
  let remaining
  pool.dispatch({ method, path, headers, body: hasBody ? request : null }, {
    onRequestStart (controller) {
      response.on('close', () => { if (!response.writableFinished) controller.abort(new Error('the client has gone')) })
    },
    onResponseStart ({ rawHeaders }, status, { 'content-length': length }) {
      remaining = Number(length)
      response.writeHead(status, forwarded(rawHeaders.map(field => field.toString('latin1'))))
    },
    onResponseData (controller, chunk) {
      remaining -= chunk.length
      if (remaining === 0) return response.end(chunk)
      if (response.write(chunk)) return
      controller.pause()
      response.once('drain', () => { controller.resume() })
    },
    onResponseEnd () { if (!response.writableEnded) response.end() },
    onResponseError () { response.destroy() }
  })
}

function forwarded (raw) {
  return raw.flatMap((name, i) => i % 2 === 0 && !HOP_BY_HOP.test(name) ? [name, raw[i + 1]] : [])
}
