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

/** Tracing that has been started. */
export interface Tracing {
  /** Sends the remaining spans, for two seconds at most. */
  stop: () => Promise<void>
}

/** The encoding of spans on the way to the collector (OTLP over HTTP). */
type TracingProtocol = 'http/protobuf' | 'http/json'

/** How long the collector may take for the last spans, in milliseconds. */
const FLUSH_MS = 2000

/**
 * Starts OpenTelemetry with its own instrumentations of node:http, for incoming requests, and of undici, for requests
 * to MAAS. OpenTelemetry reads everything else, such as endpoint and sampler, from its standard variables.
 * @param warn called with a line when spans cannot be sent
 */
export function startOpenTelemetry (protocol: TracingProtocol, warn: (text: string) => void): Tracing {
  setGlobalErrorHandler(warnOnChange(warn))
  const provider = new NodeTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'maas-auth-proxy', 'service.version': version() }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [
      new RedactingSpanProcessor(protocol === 'http/json' ? new JsonExporter() : new ProtobufExporter())
    ]
  })
  provider.register()
  subscribe('undici:request:create', message => {
    removePropagationFields((message as { request: { headers: string[] } }).request.headers)
  })
  registerInstrumentations({
    tracerProvider: provider,
    instrumentations: [
      new HttpInstrumentation({
        disableOutgoingRequestInstrumentation: true, // the only such requests are those of the exporter
        ignoreIncomingRequestHook: ({ url }) => url?.startsWith('/-/') === true,
        requestHook: (span, request) => {
          if (request instanceof IncomingMessage) putInTrace(request, span.spanContext().traceId)
        }
      }),
      new UndiciInstrumentation({ requireParentforSpans: true })
    ]
  })
  return { stop: async () => { await Promise.race([Promise.allSettled([provider.shutdown()]), setTimeout(FLUSH_MS)]) } }
}

/**
 * Removes the client's trace fields, which the instrumentation has read. It adds its own without replacing them, and
 * MAAS would ignore a second `traceparent` (W3C Trace Context §3.2).
 */
function removePropagationFields (headers: string[]): void {
  const names = propagation.fields()
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    if (names.includes((headers[i] as string).toLowerCase())) headers.splice(i, 2)
  }
}

/** Warns of an error unless it is the last one again: a collector that is down fails every five seconds. */
function warnOnChange (warn: (text: string) => void): (error: Exception) => void {
  let last = ''
  return error => {
    const { code, message } = Object(error) as { code?: string | number, message?: string }
    const text = `traces cannot be sent: ${[message, code].filter(Boolean).join(', code ')}`
    if (text !== last) warn(text)
    last = text
  }
}
