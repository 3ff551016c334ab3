#!/usr/bin/env node
import { run } from './cli.ts'

// The only file that does something when it is loaded.
process.stdout.on('error', () => {}) // a log reader that goes away ends the log, not the service
const code = await run({ argv: process.argv.slice(2), env: process.env, stdout: process.stdout, stderr: process.stderr, signals: process })
process.exit(code)
