import type { Environment } from '../../environment.ts'
import type { Tracing } from './opentelemetry.ts'
import { optionalPackages } from '../../package.ts'

/** The standard variables that turn traces on. */
const TRACE_VARIABLES = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_TRACES_EXPORTER']

/**
 * Whether OpenTelemetry's standard variables ask for traces. An empty one counts as not set (OpenTelemetry's SDK spec).
 */
export function wantsTracing (environment: Environment): boolean {
  if (environment['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return false
  if (environment['OTEL_TRACES_EXPORTER'] === 'none') return false
  return TRACE_VARIABLES.some(name => Boolean(environment[name]))
}

/**
 * Starts tracing. It must be called before fastify or undici is loaded, because it instruments them. The proxy serves
 * even if tracing cannot start.
 * @param warn called with a line if tracing cannot start, and later if spans cannot be sent
 * @returns null if tracing cannot start
 */
export async function startTracing (environment: Environment, warn: (text: string) => void): Promise<Tracing | null> {
  const exporter = environment['OTEL_TRACES_EXPORTER'] || 'otlp'
  const protocol = environment['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] ||
    environment['OTEL_EXPORTER_OTLP_PROTOCOL'] || 'http/protobuf'
  if (exporter !== 'otlp') {
    return warnOfNoTraces(warn, `OTEL_TRACES_EXPORTER: is ${exporter}, and only otlp and none are known`)
  }
  if (protocol !== 'http/protobuf' && protocol !== 'http/json') {
    const problem = `OTEL_EXPORTER_OTLP_PROTOCOL: is ${protocol}, and only http/protobuf and http/json are known`
    return warnOfNoTraces(warn, problem)
  }
  try {
    const { startOpenTelemetry } = await import('./opentelemetry.ts')
    return startOpenTelemetry(protocol, warn)
  /* c8 ignore next 12 -- only the tests of the package and of the single executable run without these packages */
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code)
    if (code === 'ERR_UNKNOWN_BUILTIN_MODULE') { // from require in a single executable
      warn('there are no traces, because the single executable has no OpenTelemetry: install the npm package')
      return null
    }
    // ERR_MODULE_NOT_FOUND from import, MODULE_NOT_FOUND from require in the bundle.
    if (!/MODULE_NOT_FOUND$/.test(code)) throw error
    const install = `npm install ${optionalPackages().join(' ')}`
    warn(`there are no traces, because packages of OpenTelemetry are missing: ${install}`)
    return null
  }
}

function warnOfNoTraces (warn: (text: string) => void, problem: string): null {
  warn(`${problem}; there are no traces`)
  return null
}
