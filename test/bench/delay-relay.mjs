// A long way on a short one: `node delay-relay.mjs PORT TARGET-PORT ROUND-TRIP-MS` passes TCP on and holds every byte
// back for half of the round trip, in each direction. The system shakes hands by itself at once, so the first bytes of
// a client, which could not have been sent before that was over, wait for a round trip more.
import { connect, createServer } from 'node:net'

const [port, target, roundTripMs] = process.argv.slice(2).map(Number)

createServer({ noDelay: true }, client => {
  const openAt = performance.now() + roundTripMs
  const server = connect({ port: target, host: '127.0.0.1', noDelay: true })
  pass(client, server, openAt)
  pass(server, client, openAt)
}).listen(port, '127.0.0.1')

function pass (from, to, openAt) {
  // Timers of different length could overtake one another: what waits goes out in its order.
  const waiting = []
  const later = action => {
    waiting.push(action)
    setTimeout(() => { waiting.shift()() }, Math.max(0, openAt - performance.now()) + roundTripMs / 2)
  }
  from.on('data', chunk => { later(() => to.write(chunk)) })
  from.on('end', () => { later(() => to.end()) })
  from.on('error', () => { to.destroy() })
}
