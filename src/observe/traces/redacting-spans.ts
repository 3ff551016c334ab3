import type { Context } from '@opentelemetry/api'
import { BatchSpanProcessor, type ReadableSpan, type Span } from '@opentelemetry/sdk-trace-node'
import { findOperation } from '../../maas/operations.ts'
import { parseQuery } from '../../maas/query.ts'
import { findResource, hasOperation } from '../../policy/resources.ts'

/** The attributes that are exported. None holds text of a client: no path, no query, no header field. */
const EXPORTED_ATTRIBUTES: ReadonlySet<string> = new Set([
  'http.request.method', 'http.response.status_code', 'http.route', 'error.type', 'url.scheme', 'server.port',
  'network.peer.address', 'network.peer.port', 'network.protocol.version', 'maas.op'
])

/** Names spans by the route of the API, removes everything that could be a secret, and exports them in batches. */
export class RedactingSpanProcessor extends BatchSpanProcessor {
  override onStart (span: Span, context: Context): void {
    const { 'http.request.method': method = '', 'url.path': path = '', 'url.query': query = '' } = span.attributes
    const parameters = parseQuery(String(query).replace('?', ''))
    const operation = findOperation(String(method), decodePath(String(path)), parameters, null)
    const resource = findResource(operation.path)
    if (resource !== null) {
      span.updateName(`${operation.method} ${resource.template}`)
      span.setAttribute('http.route', resource.template)
      const { method, op } = operation
      if (op !== null && hasOperation(resource, method, op)) span.setAttribute('maas.op', op)
    }
    super.onStart(span, context)
  }

  override onEnd (span: ReadableSpan): void {
    const attributes = span.attributes as Record<string, unknown>
    for (const name of Object.keys(attributes)) if (!EXPORTED_ATTRIBUTES.has(name)) delete attributes[name]
    span.events.length = 0 // events and the status hold texts of errors
    delete span.status.message
    super.onEnd(span)
  }
}

/** Returns the path as MAAS matches it, decoded with slashes collapsed; an empty one if it cannot be decoded. */
function decodePath (path: string): string {
  try {
    return decodeURIComponent(path).replaceAll(/\/{2,}/g, '/')
  } catch {
    return ''
  }
}
