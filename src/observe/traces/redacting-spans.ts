import type { Context } from '@opentelemetry/api'
import { BatchSpanProcessor, type ReadableSpan, type Span } from '@opentelemetry/sdk-trace-node'
import { findOperation } from '../../maas/operations.ts'
import { parseQuery } from '../../maas/query.ts'
import { findResource, hasOperation } from '../../policy/resources.ts'

/** What of a span may leave: nothing that a client writes in its own words, as paths, queries and header fields are. */
const KEPT: ReadonlySet<string> = new Set([
  'http.request.method', 'http.response.status_code', 'http.route', 'error.type', 'url.scheme', 'server.port',
  'network.peer.address', 'network.peer.port', 'network.protocol.version', 'maas.op'
])

/** Names spans by the route of the API, and takes everything out of them that could be a secret before they leave, in batches. */
export class RedactingSpanProcessor extends BatchSpanProcessor {
  override onStart (span: Span, context: Context): void {
    const { 'http.request.method': method = '', 'url.path': path = '', 'url.query': query = '' } = span.attributes
    const operation = findOperation(String(method), decoded(String(path)), parseQuery(String(query).replace('?', '')), null)
    const resource = findResource(operation.path)
    if (resource !== null) {
      span.updateName(`${operation.method} ${resource.template}`)
      span.setAttribute('http.route', resource.template)
      if (operation.op !== null && hasOperation(resource, operation.method, operation.op)) span.setAttribute('maas.op', operation.op)
    }
    super.onStart(span, context)
  }

  override onEnd (span: ReadableSpan): void {
    const attributes = span.attributes as Record<string, unknown>
    for (const name of Object.keys(attributes)) if (!KEPT.has(name)) delete attributes[name]
    span.events.length = 0 // with the texts of errors, as the status has one
    delete span.status.message
    super.onEnd(span)
  }
}

/** As MAAS matches it; what cannot be decoded leads nowhere. */
function decoded (path: string): string {
  try {
    return decodeURIComponent(path).replaceAll(/\/{2,}/g, '/')
  } catch {
    return ''
  }
}
