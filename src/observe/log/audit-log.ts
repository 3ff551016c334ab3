import { READING_METHODS } from '../../http/methods.ts'
import { findResource, systemIdOf } from '../../policy/resources.ts'
import type { LogOf, Observer } from '../../exchange/plugin.ts'
import { stripControls } from '../../text/strip-controls.ts'

/**
 * Makes what writes a record of every write that was sent to MAAS, whatever came of it. There all of them are the user of one key; here they are
 * told apart by client and listener. Of a query or a body nothing is kept but the operation.
 * @param listener tells at which address requests come in
 */
export function auditLog (logOf: LogOf, listener: () => string | undefined): Observer {
  return ({ request, exchange: { client, operation, target, access, attempts, error }, status }) => {
    const { id, method } = request
    if (attempts === 0 || operation === null || READING_METHODS.includes(method)) return
    const resource = findResource(operation.path)
    const systemId = resource === null ? null : systemIdOf(resource, operation.path)
    logOf(request).info({
      id,
      client: client ?? undefined,
      listener: listener(),
      method,
      op: operation.op === null ? undefined : stripControls(operation.op),
      resource: resource?.template,
      systemId: systemId === null ? undefined : stripControls(systemId),
      path: target?.rawPath,
      access,
      status: status ?? undefined,
      error: error ?? undefined
    }, 'audit')
  }
}
