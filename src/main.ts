#!/usr/bin/env -S node --

// The only file that does something when it is loaded. The `--` in its first line keeps node from taking --env-file for itself,
// which also would let that file set NODE_OPTIONS.
// node would open its inspector, on a port where any user of this machine could read the key.
process.on('SIGUSR1', () => {})
// A log reader that goes away ends the log, not the service.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
const { program } = await import('./cli/program.ts') // which the build replaces by a bundle
process.exit(await program({ argv: process.argv.slice(2), env: process.env, stdout: process.stdout, stderr: process.stderr, signals: process }))
