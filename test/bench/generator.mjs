// Load where wrk is not there: `node generator.mjs URL CONNECTIONS SECONDS` asks for the sample paths over kept
// connections, one request at a time on each, and prints what came of it as JSON. It reads just enough of HTTP for the
// answers of this benchmark.
import { connect } from 'node:net'
import { HEADERS, PATHS } from './sample.mjs'
import { quantile } from './stats.mjs'

const [url, connections, seconds] = process.argv.slice(2)
const { host, hostname, port } = new URL(url)
const fields = Object.entries({ Host: host, ...HEADERS }).map(([name, value]) => `${name}: ${value}\r\n`).join('')
const requests = PATHS.map(path => Buffer.from(`GET ${path} HTTP/1.1\r\n${fields}\r\n`))

const latencies = []
let asked = 0
let errors = 0
let running = Number(connections)
const started = performance.now()
const end = started + Number(seconds) * 1000
for (let i = 0; i < connections; i++) ask()

function ask () {
  const socket = connect({ host: hostname, port: Number(port), noDelay: true }, next)
  let sentAt
  let missing = null
  let head = ''

  function next () {
    if (performance.now() >= end) return socket.end()
    missing = null
    head = ''
    sentAt = performance.now()
    socket.write(requests[asked++ % requests.length])
  }

  socket.on('data', chunk => {
    if (missing === null) {
      head += chunk.latin1Slice()
      const bodyAt = head.indexOf('\r\n\r\n') + 4
      if (bodyAt < 4) return
      const length = /\r\ncontent-length: *(\d+)/i.exec(head)
      if (length === null || !head.startsWith('HTTP/1.1 200')) return socket.destroy(new Error(head.slice(0, bodyAt)))
      missing = Number(length[1]) - (head.length - bodyAt)
    } else {
      missing -= chunk.length
    }
    if (missing > 0) return
    latencies.push(performance.now() - sentAt)
    next()
  })
  socket.on('error', () => { errors++ })
  socket.on('close', () => { if (--running === 0) print() })
}

function print () {
  console.log(JSON.stringify({
    requests: latencies.length,
    errors,
    seconds: (performance.now() - started) / 1000,
    p50Ms: latencies.length === 0 ? null : quantile(latencies, 0.5),
    p99Ms: latencies.length === 0 ? null : quantile(latencies, 0.99)
  }))
}
