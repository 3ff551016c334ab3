// Keeps what V8 compiles when the program starts and passes a request on, so that it need not at every start. It goes into the program's own
// place, so nothing is written when it runs. Of use to the node that makes it; to any other it is as if it were not there.
import { once, EventEmitter } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, get } from 'node:http'
import { PassThrough } from 'node:stream'
import { cacheOf, loadScript } from '../dist/performance/code-cache.js'
import { setV8Flags } from '../dist/performance/v8-flags.js'

const bundle = new URL('../dist/bundle.cjs', import.meta.url)
setV8Flags() // V8 takes a cache only under the flags that it was made under
const { exports: { program }, makeCache } = loadScript(bundle)

setTimeout(() => { throw new Error('the bundle does not come to an end') }, 60_000).unref()
process.chdir('/') // where no .env of a developer is
const maas = createServer((request, response) => { response.end('{}') }).listen(0, '127.0.0.1')
await once(maas, 'listening')
const io = { argv: ['--listen', '127.0.0.1:0'], stdout: new PassThrough({ encoding: 'utf8' }), stderr: process.stderr, signals: new EventEmitter() }
const env = { MAAS_URL: `http://127.0.0.1:${maas.address().port}/MAAS`, MAAS_API_KEY: `${'k'.repeat(18)}:${'t'.repeat(18)}:${'s'.repeat(32)}` }
const ended = program({ ...io, env })
let log = ''
io.stdout.on('data', text => { log += text })
const failed = ended.then(code => { throw new Error(`the bundle does not start: ${code}`) })
while (!log.includes('"listening"')) await Promise.race([once(io.stdout, 'data'), failed])
failed.catch(() => {})
const [response] = await once(get(`${/"address":"([^"]+)"/.exec(log)[1]}/MAAS/api/2.0/machines/`, { agent: false }), 'response') // by no egress proxy
if (response.statusCode !== 200) throw new Error(`the bundle does not work: ${response.statusCode}`)
await once(response.resume(), 'end')
writeFileSync(cacheOf(bundle), makeCache())
io.signals.emit('SIGTERM')
process.exitCode = await ended
maas.close()
