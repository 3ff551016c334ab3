import { version } from '../../package.ts'
import { subscribe } from 'node:diagnostics_channel'
import { IncomingMessage } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { type Exception, propagation } from '@opentelemetry/api'
import { setGlobalErrorHandler } from '@opentelemetry/core'
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { RedactingSpanProcessor } from './redacting-spans.ts'
import { putInTrace } from './trace-ids.ts'

/** What stops tracing: what has not been sent yet is sent. */
export interface Tracing {
  stop: () => Promise<void>
}

/** How spans go to a collector (OTLP over HTTP). */
export type TracingProtocol = 'http/protobuf' | 'http/json'

/** How long a collector may take for the last spans when the proxy stops. */
const FLUSH_MS = 2000

/**
 * Starts OpenTelemetry with its own instrumentations of node:http, for what comes in, and of undici, for what goes to MAAS. Everything else,
 * from endpoint to sampler, is as the standard variables say.
 */
export function startOpenTelemetry (protocol: TracingProtocol, warn: (text: string) => void): Tracing {
  setGlobalErrorHandler(onceInARow(warn))
  const provider = new NodeTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'maas-auth-proxy', 'service.version': version() }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new RedactingSpanProcessor(protocol === 'http/json' ? new JsonExporter() : new ProtobufExporter())]
  })
  provider.register()
  subscribe('undici:request:create', message => { dropReplaced((message as { request: { headers: string[] } }).request.headers) })
  registerInstrumentations({
    tracerProvider: provider,
    instrumentations: [
      new HttpInstrumentation({
        disableOutgoingRequestInstrumentation: true, // that would be the exporter itself
        ignoreIncomingRequestHook: ({ url }) => url?.startsWith('/-/') === true,
        requestHook: (span, request) => { if (request instanceof IncomingMessage) putInTrace(request, span.spanContext().traceId) }
      }),
      new UndiciInstrumentation({ requireParentforSpans: true })
    ]
  })
  return { stop: async () => { await Promise.race([Promise.allSettled([provider.shutdown()]), setTimeout(FLUSH_MS)]) } }
}

/** The instrumentation of undici adds its fields without looking, so the client's, which it has read, go first: two would be none (W3C Trace Context §3.2). */
function dropReplaced (headers: string[]): void {
  const replaced = propagation.fields()
  for (let i = headers.length - 2; i >= 0; i -= 2) if (replaced.includes((headers[i] as string).toLowerCase())) headers.splice(i, 2)
}

/** A collector that is away is told of once, and not every five seconds. */
function onceInARow (warn: (text: string) => void): (error: Exception) => void {
  let last = ''
  return error => {
    const { code, message } = Object(error) as { code?: string | number, message?: string }
    const text = `traces cannot be sent: ${[message, code].filter(Boolean).join(', code ')}`
    if (text !== last) warn(text)
    last = text
  }
}
