import type { Environment } from '../../environment.ts'
import type { Tracing } from './opentelemetry.ts'
import { optionalPackages } from '../../package.ts'

/** The standard variables that each ask for traces. */
const ASKING = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_TRACES_EXPORTER']

/** Whether OpenTelemetry's standard variables ask for traces. An empty one counts as not set, as its specification has it. */
export function wantsTracing (environment: Environment): boolean {
  return environment['OTEL_SDK_DISABLED']?.toLowerCase() !== 'true' && environment['OTEL_TRACES_EXPORTER'] !== 'none' && ASKING.some(name => Boolean(environment[name]))
}

/**
 * Starts tracing. To be called before anything of fastify or undici is loaded. What stands in the way is no reason not to serve: it is warned of.
 * @param warn gets a line for what is wrong, now or later, when spans cannot be sent
 * @returns null where there will be no traces
 */
export async function startTracing (environment: Environment, warn: (text: string) => void): Promise<Tracing | null> {
  const exporter = environment['OTEL_TRACES_EXPORTER'] || 'otlp'
  const protocol = environment['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] || environment['OTEL_EXPORTER_OTLP_PROTOCOL'] || 'http/protobuf'
  if (exporter !== 'otlp') return refuse(warn, `OTEL_TRACES_EXPORTER: is ${exporter}, and only otlp and none are known`)
  if (protocol !== 'http/protobuf' && protocol !== 'http/json') return refuse(warn, `OTEL_EXPORTER_OTLP_PROTOCOL: is ${protocol}, and only http/protobuf and http/json are known`)
  try {
    const { startOpenTelemetry } = await import('./opentelemetry.ts')
    return startOpenTelemetry(protocol, warn)
  /* c8 ignore next 7 -- here they are installed; the test of the package runs it where they are not */
  } catch (error) {
    // ERR_MODULE_NOT_FOUND where it is imported, MODULE_NOT_FOUND where the bundle requires it.
    if (!/MODULE_NOT_FOUND$/.test(String((error as NodeJS.ErrnoException).code))) throw error
    const install = `npm install ${optionalPackages().join(' ')}`
    warn(`there are no traces, because packages of OpenTelemetry are missing: ${install}`)
    return null
  }
}

function refuse (warn: (text: string) => void, problem: string): null {
  warn(`${problem}; there are no traces`)
  return null
}
