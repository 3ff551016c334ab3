import { type ErrorCode, ProxyError } from '../errors.ts'
import { explainFailure } from '../upstream/failures.ts'

/** What is known of an attempt that failed. */
interface FailedAttempt {
  /** whether the request was written to a connection, at least in part */
  isBegun: boolean
  /** whether a body was written as a whole; true if there is none */
  isBodySent: boolean
  /** whether the operation changes something in MAAS */
  hasEffect: boolean
}

/** Errors of connecting, in the words of the system, which also has them for a connection that was open. */
const LOST: ReadonlySet<ErrorCode> = new Set(['MAAS_PROXY_CONNECT_TIMED_OUT', 'MAAS_PROXY_UPSTREAM_UNREACHABLE'])

/** Errors that do not tell whether MAAS has carried the request out. */
const UNCERTAIN: ReadonlySet<ErrorCode> = new Set([
  'MAAS_PROXY_UPSTREAM_CLOSED', 'MAAS_PROXY_UPSTREAM_LOST', 'MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED',
  'MAAS_PROXY_UPSTREAM_FAILED'
])

/**
 * Explains why an attempt failed.
 * @param error of undici or the system
 * @returns the error for the client, who is told if the operation may have happened
 */
export function explainAttempt (error: Error, { isBegun, isBodySent, hasEffect }: FailedAttempt): ProxyError {
  const failure = explainFailure(error)
  if (!isBegun) return failure
  const { cause } = failure
  if (LOST.has(failure.code)) return uncertain(new ProxyError('MAAS_PROXY_UPSTREAM_LOST', { cause }), hasEffect)
  if (failure.code !== 'MAAS_PROXY_UPSTREAM_CLOSED' || isBodySent) return uncertain(failure, hasEffect)
  const message = 'MAAS closed the connection before it had the whole request; if it answered, the answer was lost'
  return uncertain(new ProxyError(failure.code, { cause, message, remedy: 'read the log of MAAS' }), hasEffect)
}

function uncertain (failure: ProxyError, hasEffect: boolean): ProxyError {
  const { code, cause, message, remedy } = failure
  if (!hasEffect || !UNCERTAIN.has(code)) return failure
  const advice = 'the operation may have happened: check its effect before you send it again'
  // What the remedy says of TLS is for a MAAS that has never answered.
  const rest = code === 'MAAS_PROXY_UPSTREAM_CLOSED' ? 'then read the log of MAAS' : remedy
  return new ProxyError(code, { cause, message, remedy: `${advice}; ${rest}` })
}
