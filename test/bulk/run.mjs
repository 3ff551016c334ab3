// Sends 1 GiB up and 1 GiB down through the built proxy, at full speed and with a slow end, and shows how much its
// memory grows. Exits with 1 if that is 32 MiB or more, or if a byte is missing. Linux only: it reads /proc.
//
// Before that it sends 256 MiB each way: in its first busy second V8 compiles the parser of undici, which takes about
// 36 MiB for a moment, once, whatever is sent.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { onlyOnLinux } from '../helper/only-on-linux.mjs'

const GIB = 1024 ** 3
const WARM_UP = GIB / 4
const LIMIT_KIB = 32 * 1024
const CHUNK = Buffer.alloc(64 * 1024, 'x')
/** bytes after which a slow end rests for a millisecond: about 500 MiB/s at the most */
const REST_AFTER = 512 * 1024

onlyOnLinux('memory is read')

const upstream = createServer(async (incoming, outgoing) => {
  const slow = incoming.url.includes('slow')
  if (incoming.method === 'GET') {
    const size = Number(incoming.url.split('size=')[1])
    outgoing.setHeader('Content-Length', size)
    await send(outgoing, size)
  } else {
    outgoing.end(String(await receive(incoming, slow)))
  }
}).listen(0, '127.0.0.1')
await once(upstream, 'listening')

const proxy = spawn(process.execPath, [new URL('../../dist/main.js', import.meta.url).pathname, '--listen', '0', '--log-format', 'json'], {
  env: { MAAS_URL: `http://127.0.0.1:${upstream.address().port}/MAAS`, MAAS_API_KEY: 'c:t:s' },
  cwd: '/',
  stdio: ['ignore', 'pipe', 'inherit']
})
process.once('exit', () => { proxy.kill('SIGKILL') }) // also after an error
let output = ''
const noStart = once(proxy, 'exit').then(([code]) => { throw new Error(`the proxy does not start: ${code}`) })
noStart.catch(() => {}) // it ends in the end, too
while (!output.includes('listening')) output += String(await Promise.race([once(proxy.stdout, 'data'), noStart]))
proxy.stdout.resume()
const address = /"address":"([^"]+)"/.exec(output)[1]

let failed = false
for (const method of ['POST', 'GET']) await transfer(method, '', false, WARM_UP)
for (const [name, method, query, slowClient] of [
  ['up', 'POST', '', false],
  ['down', 'GET', '', false],
  ['up to a slow MAAS', 'POST', 'slow&', false],
  ['down to a slow client', 'GET', '', true]
]) await measure(name, method, query, slowClient)
proxy.kill('SIGTERM')
upstream.close()
process.exitCode = failed ? 1 : 0

async function measure (name, method, query, slowClient) {
  const before = residentKib()
  let peak = before
  const sampling = setInterval(() => { peak = Math.max(peak, residentKib()) }, 20)
  const started = performance.now()
  const count = await transfer(method, query, slowClient, GIB)
  clearInterval(sampling)
  const seconds = (performance.now() - started) / 1000
  const grown = peak - before
  if (count !== GIB || grown >= LIMIT_KIB) failed = true
  console.log(`1 GiB ${name}: ${count === GIB ? 'complete' : `${count} bytes only`} in ${seconds.toFixed(1)} s, memory ${(before / 1024).toFixed(0)} MiB, at most ${(grown / 1024).toFixed(1)} MiB more`)
}

async function transfer (method, query, slowClient, size) {
  const outgoing = request(`${address}/MAAS/api/2.0/files/?${query}size=${size}`, { method, headers: method === 'POST' ? { 'Content-Length': size } : {} })
  if (method === 'POST') send(outgoing, size)
  else outgoing.end()
  const [incoming] = await once(outgoing, 'response')
  return method === 'POST' ? Number(await text(incoming)) : await receive(incoming, slowClient)
}

async function send (stream, size) {
  for (let sent = 0; sent < size; sent += CHUNK.length) if (!stream.write(CHUNK)) await once(stream, 'drain')
  stream.end()
}

async function receive (stream, slow) {
  let count = 0
  let rested = 0
  for await (const chunk of stream) {
    count += chunk.length
    if (slow && count - rested >= REST_AFTER) {
      rested = count
      await wait(1)
    }
  }
  return count
}

async function text (stream) {
  let text = ''
  for await (const chunk of stream) text += chunk
  return text
}

function residentKib () {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${proxy.pid}/status`, 'utf8'))[1])
}
