import type { IncomingMessage } from 'node:http'

/** A `traceparent` (W3C Trace Context §3.2.2): version, trace-id, parent-id, flags; later versions may have more. */
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/

/** MAAS's own ids are 32 hexadecimal digits; the pattern leaves room for other forms, but not for any text. */
const MAAS_TRACE_ID = /^[\w.:-]{1,128}$/

const traceIds = new WeakMap<IncomingMessage, string>()

/** Sets the trace id of a request that has no valid one in its header. */
export function putInTrace (request: IncomingMessage, traceId: string): void {
  traceIds.set(request, traceId)
}

/** Returns the trace id of a request, 32 hexadecimal digits, from its `traceparent` or else from {@link putInTrace}. */
export function traceIdOf (request: IncomingMessage): string | undefined {
  const { traceparent } = request.headers
  if (typeof traceparent !== 'string') return traceIds.get(request)
  const [, version, traceId, more] = TRACEPARENT.exec(traceparent) ?? []
  const isValid = version !== '00' || more === undefined
  return (isValid ? traceId : undefined) ?? traceIds.get(request)
}

/** Returns MAAS's id of a request for the log; undefined if the text does not look like an id. */
export function asMaasTraceId (text: string | null): string | undefined {
  return text !== null && MAAS_TRACE_ID.test(text) ? text : undefined
}
