import type { Io } from './command.ts'
import { startTracing, wantsTracing } from '../observe/traces/tracing.ts'
import { withSources } from '../text/source-map.ts'
import { asksToServe } from './flags.ts'

/**
 * The program: what its command line asks for, traced where the standard variables ask for that.
 * @returns the exit code, once all is done
 */
export async function program (io: Io): Promise<number> {
  io.signals.on('uncaughtExceptionMonitor', nameSources)
  const warn = (text: string) => { io.stderr.write(`maas-auth-proxy: warning: ${text}\n`) }
  const tracing = wantsTracing(io.env) && asksToServe(io.argv) ? await startTracing(io.env, warn) : null
  const { run } = await import('./cli.ts') // only now: what is to be traced has to be loaded after what traces it
  const code = await run(io)
  await tracing?.stop()
  return code
}

/** Not by Node's own support of source maps, with which every start would read the map. */
function nameSources (error: unknown): void {
  if (error instanceof Error) error.stack = withSources(error.stack)
}
