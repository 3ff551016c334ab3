/** What a client is told when the proxy itself answers: one row an error, the whole list. README prints this table. */
export const ERRORS = {
  MAAS_PROXY_REQUEST_MALFORMED: row(400, 'the request is not valid HTTP/1.1', 'send one well-formed request: one Host line, one length, no stray bytes'),
  MAAS_PROXY_REQUEST_TIMED_OUT: row(408, 'the request header did not arrive in time', 'send the whole header within a minute'),
  MAAS_PROXY_HEADER_TOO_LARGE: row(431, 'the request header is larger than 16 KiB or has more than 1,000 lines', 'send fewer or shorter header fields'),
  MAAS_PROXY_HEADER_MALFORMED: row(400, 'a header field has a value that cannot be followed', 'correct the field that the message names'),
  MAAS_PROXY_TARGET_MALFORMED: row(400, 'the request target is not a plain absolute path', 'send the path as MAAS documents it: /MAAS/api/2.0/..., percent-encoded once'),
  MAAS_PROXY_OAUTH_PARAMETER_PRESENT: row(400, 'the query has an oauth_ parameter', 'leave the signing to the proxy: take every oauth_* parameter out of the query'),
  MAAS_PROXY_ACCESS_UNAVAILABLE: row(400, 'MAAS does not offer this operation in the access that MAAS-Proxy-Access asks for', 'leave the header MAAS-Proxy-Access out'),
  MAAS_PROXY_PATH_UNSERVED: row(404, 'only paths below /MAAS/api/ are served', 'use http://HOST:PORT/MAAS/api/2.0/...'),
  MAAS_PROXY_METHOD_UNSUPPORTED: row(405, 'the method is not one of the MAAS API', 'use GET, POST, PUT or DELETE'),
  MAAS_PROXY_TRANSFER_CODING_UNSUPPORTED: row(501, 'the only transfer coding understood is chunked', 'send the body with Content-Length, or with Transfer-Encoding: chunked'),
  MAAS_PROXY_UPGRADE_UNSUPPORTED: row(501, 'the MAAS API has no protocol to upgrade to', 'send the request without Upgrade'),
  MAAS_PROXY_INTERNAL: row(500, 'the proxy failed; its log has the reason', 'report it with the log record of this request id'),
  MAAS_PROXY_SHUTTING_DOWN: row(503, 'the proxy is shutting down', 'send the request again once the proxy is back'),
  MAAS_PROXY_UPSTREAM_REFUSED: row(502, 'MAAS refused the connection', 'check that MAAS runs and that MAAS_URL has its port (5240 for http, 5443 for https)'),
  MAAS_PROXY_UPSTREAM_UNREACHABLE: row(502, 'there is no way to the host of MAAS', 'check the network, a firewall or VPN, and the host in MAAS_URL'),
  MAAS_PROXY_UPSTREAM_NAME_UNKNOWN: row(502, 'the host name of MAAS cannot be resolved', 'check the host in MAAS_URL and the name server'),
  MAAS_PROXY_UPSTREAM_UNTRUSTED: row(502, 'the certificate of MAAS cannot be verified; nothing was sent', 'check that MAAS_URL has the name in the certificate and that its CA is trusted on this machine (NODE_EXTRA_CA_CERTS=FILE adds one)'),
  MAAS_PROXY_UPSTREAM_CLOSED: row(502, 'MAAS closed the connection before it answered', 'look into the log of MAAS; a request without side effects can be sent again'),
  MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED: row(502, 'the answer of MAAS is not valid HTTP', 'check that MAAS_URL points to MAAS and that https is not asked on an http port, or the other way round'),
  MAAS_PROXY_UPSTREAM_FAILED: row(502, 'the exchange with MAAS failed', 'look into the log of the proxy, which has the reason, and into that of MAAS'),
  MAAS_PROXY_CONNECT_TIMED_OUT: row(504, 'MAAS did not accept the connection in time', 'check the host in MAAS_URL and the firewall, or raise --connect-timeout'),
  MAAS_PROXY_RESPONSE_TIMED_OUT: row(504, 'MAAS did not answer in time; the operation may still be running there', 'look at its effect before sending it again, or raise --response-timeout')
} as const

/** The code of an error of the proxy's own, as in the field `code` and the header `MAAS-Proxy-Error`. */
export type ErrorCode = keyof typeof ERRORS

/** What can be said beyond the row: `message` is this case's own words, `cause` goes to the log only. */
export interface ErrorDetails {
  message?: string
  remedy?: string
  cause?: unknown
}

/** An error that a client may see: it never carries a secret, a value that a client sent beyond its own words, or a stack. */
export class ProxyError extends Error {
  readonly code: ErrorCode
  readonly statusCode: number
  readonly remedy: string

  constructor (code: ErrorCode, details: ErrorDetails = {}) {
    const { status, message, remedy } = ERRORS[code]
    super(details.message ?? message, { cause: details.cause })
    this.name = 'ProxyError'
    this.code = code
    this.statusCode = status
    this.remedy = details.remedy ?? remedy
  }

  /** The JSON body of the answer, one line and a line feed, so that curl leaves the prompt where it belongs. */
  body (): string {
    return JSON.stringify({ error: { code: this.code, message: this.message, remedy: this.remedy } }) + '\n'
  }
}

function row (status: number, message: string, remedy: string) {
  return { status, message, remedy }
}
