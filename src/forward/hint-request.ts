import type { IncomingMessage } from 'node:http'
import type { Admitted } from '../admit/admitted.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { hasBody } from '../http/fields.ts'
import type { HintRequest, HintRoute } from '../maas/hint-row.ts'
import type { Operation } from '../maas/operations.ts'
import { ignoresOtherBodies } from '../policy/form-operations.ts'
import { findResource } from '../policy/resources.ts'

/** A type whose body MAAS reads as a form, and one that it reads as JSON (piston3 `utils.py`, `Mimer`). */
const FORM = /^\s*(?:application\/x-www-form-urlencoded|multipart\/form-data)\s*(?:;|$)/i
const JSON_TYPE = /^\s*application\/json\s*(?:;|$)/i

/** The length of an empty JSON value, `{}`, in bytes: such a body has no parameters to lose. */
const EMPTY_JSON_BYTES = 2

/** Describes a request for the hints on its answer. */
export function hintRequest (
  request: IncomingMessage, { target }: Admitted, exchange: Exchange
): HintRequest {
  const { requestBytes } = exchange
  const operation = exchange.operation as Operation // with the op of a form, which admission may not have read
  const { method, op, fromPath: isOpInPath } = operation
  return {
    method,
    rawPath: target.rawPath,
    op,
    isOpInPath,
    body: hasBody(request) && requestBytes > EMPTY_JSON_BYTES ? bodyKind(request.headers['content-type']) : null,
    route: routeOf(operation),
    ignoresOtherBodies: ignoresOtherBodies(operation)
  }
}

/** Whether a request has a body that MAAS may ignore although it answers a success. */
export function mayBeIgnored (request: IncomingMessage): boolean {
  return hasBody(request) && bodyKind(request.headers['content-type']) !== 'form'
}

function bodyKind (contentType = ''): NonNullable<HintRequest['body']> {
  if (FORM.test(contentType)) return 'form'
  return JSON_TYPE.test(contentType) ? 'json' : 'other'
}

function routeOf ({ path, op }: Operation): HintRoute | null {
  const resource = findResource(path)
  if (resource === null) return null
  const { template, operations, versions } = resource
  const methods = [...operations.keys()]
  const methodsOfOp = op === null ? [] : methods.filter(method => operations.get(method)?.has(op))
  return { template, methods, methodsOfOp, ...versions }
}
