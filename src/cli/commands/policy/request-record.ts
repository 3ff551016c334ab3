import { parseTarget } from '../../../admit/target.ts'
import { findOperation, type Operation } from '../../../maas/operations.ts'
import type { Parameter } from '../../../maas/query.ts'

/** What a log says of one request. */
export interface RequestRecord {
  operation: Operation
  /** when it ended, as in the log */
  time: string
  /** null if the client had no name */
  client: string | null
  /** the code by which the proxy refused the request; null if it was forwarded */
  refusal: string | null
  /** whether its op is known */
  isKnown: boolean
}

/**
 * Reads a line of a log: a record `request` in JSON, with or without what a journal or a container runtime writes
 * before it.
 * @returns null for any other line
 */
export function readRequestRecord (line: string): RequestRecord | null {
  const { msg, method, path, op, opUnknown, time, client, access, error } = readFields(line)
  if (msg !== 'request' || typeof method !== 'string' || typeof path !== 'string') return null
  const target = pathOf(path)
  if (target === null) return null
  const query: Parameter[] = typeof op === 'string' && opUnknown === undefined ? [['op', op]] : []
  return {
    operation: findOperation(method, target, query, null),
    time: typeof time === 'string' ? time : '',
    client: typeof client === 'string' ? client : null,
    refusal: access === undefined && typeof error === 'string' ? error : null,
    isKnown: opUnknown === undefined
  }
}

function readFields (line: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(line.slice(line.indexOf('{')))) as Record<string, unknown>
  } catch {
    return {}
  }
}

/** Decodes a path as admission does. @returns null if admission refuses it */
function pathOf (path: string): string | null {
  try {
    return parseTarget(path).path
  } catch {
    return null
  }
}
