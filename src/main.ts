#!/usr/bin/env -S node --
import { setFlagsFromString } from 'node:v8'
import { startTracing, wantsTracing } from './observe/tracing.ts'
import { asksToServe } from './settings/flags.ts'

// The only file that does something when it is loaded. The `--` in its first line keeps node from taking --env-file for itself,
// which also would let that file set NODE_OPTIONS.
// A log reader that goes away ends the log, not the service.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
// V8 puts what a place in the code makes among the old objects if much of it outlived a collection there, as requests do under load. Old
// objects keep all that they lead to, whole requests, until the whole heap is collected: that costs memory, and up to half again the time.
setFlagsFromString('--no-allocation-site-pretenuring')
const argv = process.argv.slice(2)
const warn = (text: string) => { process.stderr.write(`maas-auth-proxy: warning: ${text}\n`) }
const tracing = wantsTracing(process.env) && asksToServe(argv) ? await startTracing(process.env, warn) : null
const { run } = await import('./cli.ts') // only now: what is to be traced has to be loaded after what traces it
const code = await run({ argv, env: process.env, stdout: process.stdout, stderr: process.stderr, signals: process })
await tracing?.stop()
process.exit(code)
