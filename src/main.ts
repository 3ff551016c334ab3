#!/usr/bin/env -S node --
import { run } from './cli.ts'

// The only file that does something when it is loaded. The `--` in its first line keeps node from taking --env-file for itself,
// which also would let that file set NODE_OPTIONS.
// A log reader that goes away ends the log, not the service.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
const code = await run({ argv: process.argv.slice(2), env: process.env, stdout: process.stdout, stderr: process.stderr, signals: process })
process.exit(code)
