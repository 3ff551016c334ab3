// A MAAS with 2,000 machines, in a process of its own: `node pollers-upstream.mjs PORT SERVICE-MS`. It works on four
// requests at once, as one worker of a region does, and lets the others wait in order of arrival. The list has the
// number of writes so far in a field of the header, as it was when the work on it began.
import { createServer } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'

const AT_ONCE = 4
const WRITE_MS = 30
const LIST = Buffer.from(JSON.stringify(Array.from({ length: 2000 }, (_, i) => ({ system_id: `node${i}`, filler: 'x'.repeat(6000) }))))

const [port, serviceMs] = process.argv.slice(2).map(Number)
const counts = { lists: 0, writes: 0 }
const waiting = []
let running = 0
let version = 0

const server = createServer(async (request, response) => {
  if (request.url.endsWith('/counts')) return response.end(JSON.stringify(counts))
  if (request.url.includes('op=whoami')) return response.end('{"username":"admin"}')
  let left = false
  response.on('close', () => { left = true })
  if (running === AT_ONCE) await new Promise(resolve => { waiting.push(resolve) })
  else running++
  if (!left) await work(request, response)
  if (waiting.length > 0) waiting.shift()()
  else running--
})
server.keepAliveTimeout = 0
server.listen(port, '127.0.0.1')

async function work (request, response) {
  response.setHeader('Content-Type', 'application/json')
  if (request.method === 'GET') {
    counts.lists++
    response.setHeader('X-Version', version)
    await wait(serviceMs)
    response.setHeader('Content-Length', LIST.length).end(LIST)
  } else {
    counts.writes++
    await wait(WRITE_MS)
    response.setHeader('X-Version', ++version).end('{}')
  }
}
