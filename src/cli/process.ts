import { setV8Flags } from '../performance/v8-flags.ts'

/** Runs the program in this process: sets up signals and streams, and exits with the program's exit code. */
export async function runProcess (): Promise<never> {
  setV8Flags()
  // By default SIGUSR1 opens Node's inspector, on a port where any user of this machine could read the key.
  process.on('SIGUSR1', () => {})
  // A reader of the log that goes away must not end the service.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  const { program } = await import('./program.ts') // the build replaces this file by a bundle
  const { argv, env, stdout, stderr } = process
  process.exit(await program({ argv: argv.slice(2), env, stdout, stderr, signals: process }))
}
