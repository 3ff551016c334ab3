import { type ErrorCode, type ErrorDetails, ProxyError } from '../errors.ts'

/**
 * Our codes by the `code` of an error of undici or the system. undici's documentation recommends the code over
 * `instanceof`. The system's codes come from connect(2) and getaddrinfo(3).
 */
const FAILURES: Readonly<Record<string, ErrorCode>> = {
  ECONNREFUSED: 'MAAS_PROXY_UPSTREAM_REFUSED',
  EHOSTUNREACH: 'MAAS_PROXY_UPSTREAM_UNREACHABLE',
  ENETUNREACH: 'MAAS_PROXY_UPSTREAM_UNREACHABLE',
  EADDRNOTAVAIL: 'MAAS_PROXY_UPSTREAM_UNREACHABLE',
  EACCES: 'MAAS_PROXY_UPSTREAM_UNREACHABLE',
  EMFILE: 'MAAS_PROXY_OUT_OF_FILES',
  ENFILE: 'MAAS_PROXY_OUT_OF_FILES',
  ENOTFOUND: 'MAAS_PROXY_UPSTREAM_NAME_UNKNOWN',
  EAI_AGAIN: 'MAAS_PROXY_UPSTREAM_NAME_UNKNOWN',
  ETIMEDOUT: 'MAAS_PROXY_CONNECT_TIMED_OUT',
  UND_ERR_CONNECT_TIMEOUT: 'MAAS_PROXY_CONNECT_TIMED_OUT',
  UND_ERR_HEADERS_TIMEOUT: 'MAAS_PROXY_RESPONSE_TIMED_OUT',
  UND_ERR_BODY_TIMEOUT: 'MAAS_PROXY_RESPONSE_TIMED_OUT',
  TimeoutError: 'MAAS_PROXY_RESPONSE_TIMED_OUT',
  ECONNRESET: 'MAAS_PROXY_UPSTREAM_CLOSED',
  EPIPE: 'MAAS_PROXY_UPSTREAM_CLOSED',
  UND_ERR_SOCKET: 'MAAS_PROXY_UPSTREAM_CLOSED',
  UND_ERR_HEADERS_OVERFLOW: 'MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED',
  EPROTO: 'MAAS_PROXY_UPSTREAM_TLS_FAILED',
  ERR_SSL_WRONG_VERSION_NUMBER: 'MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'MAAS_PROXY_UPSTREAM_UNTRUSTED',
  SELF_SIGNED_CERT_IN_CHAIN: 'MAAS_PROXY_UPSTREAM_UNTRUSTED',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'MAAS_PROXY_UPSTREAM_UNTRUSTED',
  UNABLE_TO_GET_ISSUER_CERT: 'MAAS_PROXY_UPSTREAM_UNTRUSTED',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'MAAS_PROXY_UPSTREAM_UNTRUSTED',
  CERT_HAS_EXPIRED: 'MAAS_PROXY_UPSTREAM_UNTRUSTED',
  CERT_NOT_YET_VALID: 'MAAS_PROXY_UPSTREAM_UNTRUSTED',
  CERT_REVOKED: 'MAAS_PROXY_UPSTREAM_UNTRUSTED',
  CERT_SIGNATURE_FAILURE: 'MAAS_PROXY_UPSTREAM_UNTRUSTED',
  ERR_TLS_CERT_ALTNAME_INVALID: 'MAAS_PROXY_UPSTREAM_UNTRUSTED'
}

/** The texts for an https address of a port that speaks http. */
const SPEAKS_HTTP: ErrorDetails = {
  message: 'MAAS speaks http there, not https; nothing was sent',
  remedy: 'write http:// in MAAS_URL, or the port for https (5240 is for http, 5443 for https)'
}

/** What some of these errors say in place of the texts of our code. */
const DETAILS: Readonly<Record<string, ErrorDetails>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: SPEAKS_HTTP,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: SPEAKS_HTTP,
  UND_ERR_HEADERS_OVERFLOW: {
    message: 'the header of the answer of MAAS, or the trailer, is larger than 64 KiB',
    remedy: 'look into what adds so much to it: MAAS, or what is in front of MAAS'
  }
}

/** Our codes by a prefix of the error's: llhttp's, which undici sometimes replaces by a name, and OpenSSL's. */
const FAMILIES: ReadonlyArray<readonly [prefix: string, code: ErrorCode]> = [
  ['HPE_', 'MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED'],
  ['HTTPParserError', 'MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED'],
  ['ERR_SSL_', 'MAAS_PROXY_UPSTREAM_TLS_FAILED']
]

/**
 * Converts an error of undici or the system into the error for the client.
 * @returns an error with the original as its cause. Only the log shows the cause, because its text may contain
 *   addresses
 */
export function explainFailure (error: Error): ProxyError {
  if (error instanceof ProxyError) return error
  // The error of a signal that timed out is a DOMException, whose code is a number.
  const code = error.name === 'TimeoutError' ? error.name : (error as NodeJS.ErrnoException).code ?? error.name
  const family = FAMILIES.find(([prefix]) => code.startsWith(prefix))
  const details = { cause: error, ...DETAILS[code] }
  return new ProxyError(FAILURES[code] ?? family?.[1] ?? 'MAAS_PROXY_UPSTREAM_FAILED', details)
}
