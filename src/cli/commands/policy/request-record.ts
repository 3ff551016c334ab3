import { parseTarget } from '../../../admit/target.ts'
import { findOperation } from '../../../maas/operations.ts'
import type { Parameter } from '../../../maas/query.ts'
import type { RequestFacts } from '../../../observe/recording/recording.ts'
import { stripControls } from '../../../text/strip-controls.ts'

/**
 * Reads a line of a log: a record `request` in JSON, with or without what a journal or a container runtime writes
 * before it.
 * @returns null for any other line
 */
export function readRequestRecord (line: string): RequestFacts | null {
  const { msg, method, path, op, opUnknown, time, client, access, error, wouldRefuse, status } = readFields(line)
  if (msg !== 'request' || typeof method !== 'string' || typeof path !== 'string') return null
  const target = pathOf(path)
  if (target === null) return null
  const query: Parameter[] = typeof op === 'string' && opUnknown === undefined ? [['op', op]] : []
  return {
    method,
    path,
    operation: findOperation(method, target, query, null),
    opUnknown: opUnknown === undefined ? null : textOf(opUnknown) ?? 'the op is not known',
    listener: null,
    client: textOf(client),
    refused: access === undefined ? textOf(error) : null,
    by: textOf(wouldRefuse),
    status: typeof status === 'number' ? status : null,
    time: textOf(time) ?? ''
  }
}

/** A text of a log, which may come from elsewhere, without control characters; null for anything else. */
function textOf (value: unknown): string | null {
  return typeof value === 'string' ? stripControls(value) : null
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
