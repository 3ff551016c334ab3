import type { Observer } from '../../exchange/plugin.ts'
import type { RequestFacts } from './recording.ts'

/**
 * Creates the observer that records what is asked for. Of a request it takes the method, the path, the op, the client
 * and the outcome; never a value of the query, a header or a body.
 * @param listener the address of the listener, as it is configured
 * @param add takes the facts of each request
 */
export function recorder (listener: string, add: (facts: RequestFacts) => void): Observer {
  return ({ request, exchange, status }) => {
    const { target, operation, opUnknown, client, access, error, refusedBy } = exchange
    const time = new Date().toISOString()
    const refused = access === null ? error : null
    const path = target?.rawPath ?? null
    add({ method: request.method, path, operation, opUnknown, listener, client, refused, by: refusedBy, status, time })
  }
}
