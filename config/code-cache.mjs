// Writes the code cache: what V8 compiles when the program starts and forwards a request. The file of the cache stands
// beside the bundle, or is the one that the command line names; in that case the path of the bundle is no part of it. A
// running program writes no cache. Only the Node that made it uses it; any other ignores it.
import { once, EventEmitter } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, get } from 'node:http'
import { PassThrough } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { cacheOf, loadScript } from '../dist/performance/code-cache.js'
import { setV8Flags } from '../dist/performance/v8-flags.js'

const bundle = new URL('../dist/bundle.cjs', import.meta.url)
const [,, named] = process.argv
const file = named === undefined ? cacheOf(bundle) : pathToFileURL(named)
setV8Flags() // V8 takes a cache only under the flags that it was made under
// What V8 optimizes and forgets depends on time. Without it, and with `node --hash-seed=1`, equal bundles get equal
// caches.
const TIMED = ['sparkplug', 'maglev', 'turbofan', 'flush-bytecode']
for (const flag of TIMED) setFlagsFromString(`--no-${flag}`)
const { exports: { program }, makeCache } = loadScript(bundle, named === undefined ? undefined : '/dist/bundle.cjs')

setTimeout(() => { throw new Error('the bundle does not come to an end') }, 60_000).unref()
process.chdir('/') // so that no .env of a developer is read
const maas = createServer((request, response) => { response.end('{}') }).listen(0, '127.0.0.1')
await once(maas, 'listening')
const stdout = new PassThrough({ encoding: 'utf8' })
const io = { argv: ['--listen', '127.0.0.1:0'], stdout, stderr: process.stderr, signals: new EventEmitter() }
const env = {
  MAAS_URL: `http://127.0.0.1:${maas.address().port}/MAAS`,
  MAAS_API_KEY: `${'k'.repeat(18)}:${'t'.repeat(18)}:${'s'.repeat(32)}`
}
const ended = program({ ...io, env })
let log = ''
io.stdout.on('data', text => { log += text })
const failed = ended.then(code => { throw new Error(`the bundle does not start: ${code}`) })
while (!log.includes('"listening"')) await Promise.race([once(io.stdout, 'data'), failed])
failed.catch(() => {})
const address = /"address":"([^"]+)"/.exec(log)[1]
const request = get(`${address}/MAAS/api/2.0/machines/`, { agent: false }) // through no egress proxy
const [response] = await once(request, 'response')
if (response.statusCode !== 200) throw new Error(`the bundle does not work: ${response.statusCode}`)
await once(response.resume(), 'end')
for (const flag of [...TIMED, 'hash-seed=0']) setFlagsFromString(`--${flag}`)
writeFileSync(file, makeCache())
io.signals.emit('SIGTERM')
process.exitCode = await ended
maas.close()
