import { setV8Flags } from '../performance/v8-flags.ts'

/** Makes of this process a maas-auth-proxy: sets up signals and streams, runs the program, and ends with its exit code. */
export async function runProcess (): Promise<never> {
  setV8Flags()
  // node would open its inspector, on a port where any user of this machine could read the key.
  process.on('SIGUSR1', () => {})
  // A log reader that goes away ends the log, not the service.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  const { program } = await import('./program.ts') // which the build replaces by a bundle
  const { argv, env, stdout, stderr } = process
  process.exit(await program({ argv: argv.slice(2), env, stdout, stderr, signals: process }))
}
