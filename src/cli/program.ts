import type { Io } from './command.ts'
import { startTracing, wantsTracing } from '../observe/traces/tracing.ts'
import { withSources } from '../text/source-map.ts'
import { asksToServe } from './flags.ts'

/**
 * Runs the program, with traces if OpenTelemetry's variables ask for them.
 * @returns the exit code
 */
export async function program (io: Io): Promise<number> {
  io.signals.on('uncaughtExceptionMonitor', nameSources)
  const warn = (text: string) => { io.stderr.write(`maas-auth-proxy: warning: ${text}\n`) }
  const tracing = wantsTracing(io.env) && asksToServe(io.argv) ? await startTracing(io.env, warn) : null
  const { run } = await import('./cli.ts') // after tracing, which instruments modules when they load
  const code = await run(io)
  await tracing?.stop()
  return code
}

/** Names the sources in an error's stack. Node's own support of source maps would read the map at every start. */
function nameSources (error: unknown): void {
  if (error instanceof Error) error.stack = withSources(error.stack)
}
