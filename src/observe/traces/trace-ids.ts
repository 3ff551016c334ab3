import type { IncomingMessage } from 'node:http'

/** A `traceparent` (W3C Trace Context §3.2.2): version, trace-id, parent-id, flags; a later version may say more behind these. */
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/

/** MAAS's own are 32 hexadecimal digits; whatever it may make of them, a name has no more than this. */
const MAAS_TRACE_ID = /^[\w.:-]{1,128}$/

const traced = new WeakMap<IncomingMessage, string>()

/** Says which trace a request belongs to, where that is known better than from its header. */
export function putInTrace (request: IncomingMessage, traceId: string): void {
  traced.set(request, traceId)
}

/** The id of the trace that a request belongs to: 32 hexadecimal digits; undefined where there is none, or its header is not valid. */
export function traceIdOf (request: IncomingMessage): string | undefined {
  const { traceparent } = request.headers
  if (typeof traceparent !== 'string') return traced.get(request)
  const [, version, traceId, more] = TRACEPARENT.exec(traceparent) ?? []
  return version === '00' && more !== undefined ? traced.get(request) : traceId ?? traced.get(request)
}

/** What MAAS called a request; undefined where that is not what a name looks like. */
export function asMaasTraceId (text: string | null): string | undefined {
  return text !== null && MAAS_TRACE_ID.test(text) ? text : undefined
}
