/** What a client is told when the proxy itself answers: one row an error, the whole list. README prints this table. */
export const ERRORS = {
  MAAS_PROXY_REQUEST_MALFORMED: row(400, 'the request is not valid HTTP/1.1', 'send one well-formed request: a method in capitals, one Host line, one length, no stray bytes'),
  MAAS_PROXY_REQUEST_TIMED_OUT: row(408, 'the request header did not arrive in time', 'send the whole header within a minute'),
  MAAS_PROXY_PIPELINE_TOO_LONG: row(429, 'the connection had more than 32 requests waiting for their answers, and was closed', 'wait for answers, or open another connection'),
  MAAS_PROXY_HEADER_TOO_LARGE: row(431, 'the request header is larger than 64 KiB or has more than 1,000 lines', 'send fewer or shorter header fields'),
  MAAS_PROXY_HEADER_MALFORMED: row(400, 'a header field has a value that cannot be followed', 'correct the field that the message names'),
  MAAS_PROXY_TARGET_MALFORMED: row(400, 'the request target is not a plain absolute path', 'send the path as MAAS documents it: /MAAS/api/2.0/..., percent-encoded once'),
  MAAS_PROXY_OAUTH_PARAMETER_PRESENT: row(400, 'the query has an oauth_ parameter', 'leave the signing to the proxy: take every oauth_* parameter out of the query'),
  MAAS_PROXY_CALLBACK_PRESENT: row(400, 'the query has the parameter callback, by which a page of any origin could read the answer', 'take callback out of the query and read the JSON'),
  MAAS_PROXY_ACCESS_UNAVAILABLE: row(400, 'MAAS does not offer this operation in the access that MAAS-Proxy-Access asks for', 'leave the header MAAS-Proxy-Access out'),
  MAAS_PROXY_CLIENT_UNKNOWN: row(401, 'the request has no token of a known client', 'send one from the file of --client-token-file as MAAS-Proxy-Token, or as Authorization: Bearer'),
  MAAS_PROXY_HOST_REFUSED: row(403, 'the Host is not a name of this listener', 'use http://localhost:PORT, or allow the name with --allow-host'),
  MAAS_PROXY_ORIGIN_REFUSED: row(403, 'the request comes from a web page of another origin', 'call the proxy from a program; a page may use it only if its origin is allowed with --allow-origin'),
  MAAS_PROXY_CREDENTIAL_OPERATION_REFUSED: row(403, 'the operation hands out, mints, renames or revokes a credential', 'do it in MAAS itself, or start with --allow-credential-operations'),
  MAAS_PROXY_WRITE_REFUSED: row(403, 'the proxy only reads', 'start it without --read-only'),
  MAAS_PROXY_RULE_REFUSED: row(403, 'the rules do not allow the operation', 'allow it with --allow, or take the --deny rule back; maas-auth-proxy policy list shows what is allowed'),
  MAAS_PROXY_OPERATION_UNDECIDED: row(403, 'the operation depends on a form that cannot be judged', 'put op in the query: PATH?op=NAME'),
  MAAS_PROXY_PATH_UNSERVED: row(404, 'only paths below /MAAS/api/ are served', 'use http://HOST:PORT/MAAS/api/2.0/...'),
  MAAS_PROXY_METHOD_UNSUPPORTED: row(405, 'the method is not one of the MAAS API', 'use GET, POST, PUT or DELETE'),
  MAAS_PROXY_EXPECTATION_UNSUPPORTED: row(417, 'the request expects something else than 100-continue', 'send the request without Expect'),
  MAAS_PROXY_TRANSFER_CODING_UNSUPPORTED: row(501, 'the only transfer coding understood is chunked', 'send the body with Content-Length, or with Transfer-Encoding: chunked'),
  MAAS_PROXY_UPGRADE_UNSUPPORTED: row(501, 'the MAAS API has no protocol to upgrade to', 'send the request without Upgrade'),
  MAAS_PROXY_REQUEST_ALTERED: row(500, 'the server that the proxy is part of has changed the request', 'let that server leave targets and bodies below /MAAS/ as they come: no rewriteUrl, and no hook that reads a body'),
  MAAS_PROXY_INTERNAL: row(500, 'the proxy failed; its log has the reason', 'report it with the log record of this request id'),
  MAAS_PROXY_SHUTTING_DOWN: row(503, 'the proxy is shutting down', 'send the request again once the proxy is back'),
  MAAS_PROXY_LOOP_DETECTED: row(508, 'the request has come back to the proxy that sent it', 'set MAAS_URL to MAAS itself, not to a proxy that leads back here'),
  MAAS_PROXY_UPSTREAM_REFUSED: row(502, 'MAAS refused the connection', 'check that MAAS runs and that MAAS_URL has its port (5240 for http, 5443 for https)'),
  MAAS_PROXY_UPSTREAM_UNREACHABLE: row(502, 'there is no way to the host of MAAS', 'check the network, a firewall or VPN, and the host in MAAS_URL'),
  MAAS_PROXY_UPSTREAM_NAME_UNKNOWN: row(502, 'the host name of MAAS cannot be resolved', 'check the host in MAAS_URL and the name server'),
  MAAS_PROXY_UPSTREAM_UNTRUSTED: row(502, 'the certificate of MAAS cannot be verified; nothing was sent', 'check that MAAS_URL has the name in the certificate and name the file of its CA with --ca-file'),
  MAAS_PROXY_UPSTREAM_TLS_FAILED: row(502, 'MAAS and the proxy could not agree on a TLS connection; nothing was sent', 'check that the server has TLS 1.2 or newer, and whether it asks for a certificate (--client-cert-file)'),
  MAAS_PROXY_UPSTREAM_MOVED: row(502, 'MAAS has TLS, and redirects to its https address', 'set MAAS_URL to that address'),
  MAAS_PROXY_UPSTREAM_CLOSED: row(502, 'MAAS closed the connection before it answered', 'look into the log of MAAS, and check that MAAS_URL starts with https if MAAS has TLS on that port; with https, whether it asks for a certificate (--client-cert-file)'),
  MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED: row(502, 'the answer of MAAS is not valid HTTP', 'check that MAAS_URL points to MAAS and that https is not asked on an http port, or the other way round'),
  MAAS_PROXY_UPSTREAM_FAILED: row(502, 'the exchange with MAAS failed', 'look into the log of the proxy, which has the reason, and into that of MAAS'),
  MAAS_PROXY_EGRESS_UNREACHABLE: row(502, 'the egress proxy, through which MAAS is reached, cannot be reached, or does not speak HTTP', 'check https_proxy, http_proxy and all_proxy in the environment of maas-auth-proxy, or take MAAS out of them with no_proxy'),
  MAAS_PROXY_EGRESS_CREDENTIALS_REFUSED: row(502, 'the egress proxy asks for a user name and password, or does not accept the given ones', 'put them into the URL of the proxy in the environment: http://USER:PASSWORD@HOST:PORT, percent-encoded'),
  MAAS_PROXY_EGRESS_REFUSED: row(502, 'the egress proxy refuses to open a way to MAAS', 'have it allow CONNECT to the host and port of MAAS (many allow port 443 only), or take MAAS out with no_proxy'),
  MAAS_PROXY_EGRESS_FAILED: row(502, 'the egress proxy cannot reach MAAS', 'check the host and port in MAAS_URL as the egress proxy sees them, or take MAAS out with no_proxy'),
  MAAS_PROXY_CONNECT_TIMED_OUT: row(504, 'MAAS did not accept the connection in time', 'check the host in MAAS_URL and the firewall, or raise --connect-timeout'),
  MAAS_PROXY_RESPONSE_TIMED_OUT: row(504, 'MAAS did not answer in time', 'an operation may still be running there: look at its effect before sending it again, or raise --response-timeout')
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
