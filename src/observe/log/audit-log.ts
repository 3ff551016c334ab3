import { READING_METHODS } from '../../http/methods.ts'
import { findResource, systemIdOf } from '../../policy/resources.ts'
import type { LogOf, Observer } from '../../exchange/plugin.ts'
import { stripControls } from '../../text/strip-controls.ts'

/**
 * Creates the observer that writes a record of every write that was sent to MAAS, whatever its result. MAAS sees one
 * user, that of the key; the record names the client and the listener. Of query and body it has the operation only.
 * @param logOf finds the logger
 * @param listener returns the address that the requests come in at
 */
export function auditLog (logOf: LogOf, listener: () => string | undefined): Observer {
  return ({ request, exchange, status }) => {
    const { client, operation, op, opUnknown, target, access, attempts, error } = exchange
    const { id, method } = request
    if (attempts === 0 || operation === null || READING_METHODS.includes(method)) return
    const resource = findResource(operation.path)
    const systemId = resource === null ? null : systemIdOf(resource, operation.path)
    logOf(request).info({
      id,
      client: client ?? undefined,
      listener: listener(),
      method,
      op: op === null ? undefined : stripControls(op),
      opUnknown: opUnknown ?? undefined,
      resource: resource?.template,
      systemId: systemId === null ? undefined : stripControls(systemId),
      path: target?.rawPath,
      access,
      status: status ?? undefined,
      error: error ?? undefined
    }, 'audit')
  }
}
