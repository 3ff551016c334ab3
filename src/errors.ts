import { inspect } from 'node:util'

/** Every error that the proxy itself answers with: status, message and remedy. README prints this table. */
export const ERRORS = {
  MAAS_PROXY_REQUEST_MALFORMED: row(400, 'the request is not valid HTTP/1.1',
    'send one well-formed request: a method in capitals, one Host line, one length, no stray bytes'),
  MAAS_PROXY_TLS_REQUIRED: row(400, 'the request is http, and this address of the proxy has TLS',
    'write https:// in place of http:// in the address of the proxy'),
  MAAS_PROXY_REQUEST_TIMED_OUT: row(408, 'the request header did not arrive in time',
    'send the whole header within a minute'),
  MAAS_PROXY_BODY_TIMED_OUT: row(408, 'the client sent nothing more of its body in time; MAAS got a part of it at most',
    'send the body without long pauses, or raise --client-body-timeout'),
  MAAS_PROXY_PIPELINE_TOO_LONG: row(429,
    'the connection had more than 32 requests waiting for their answers, and was closed',
    'wait for answers, or open another connection'),
  MAAS_PROXY_HEADER_TOO_LARGE: row(431, 'the request header is larger than 64 KiB or has more than 1,000 lines',
    'send fewer or shorter header fields'),
  MAAS_PROXY_HEADER_MALFORMED: row(400, 'a header field has an invalid value',
    'correct the field that the message names'),
  MAAS_PROXY_TARGET_MALFORMED: row(400, 'the request target is not a plain absolute path',
    'send the path as MAAS documents it: /MAAS/api/2.0/..., percent-encoded once'),
  MAAS_PROXY_OAUTH_PARAMETER_PRESENT: row(400, 'the query has an oauth_ parameter',
    'remove every oauth_* parameter from the query; the proxy signs the request'),
  MAAS_PROXY_CALLBACK_PRESENT: row(400,
    'the query has the parameter callback, which would let a web page of any origin read the answer',
    'remove callback from the query and read the JSON'),
  MAAS_PROXY_ACCESS_UNAVAILABLE: row(400, 'MAAS does not offer this operation with the access in MAAS-Proxy-Access',
    'leave out the header MAAS-Proxy-Access'),
  MAAS_PROXY_CLIENT_UNKNOWN: row(401, 'the request has no token of a known client',
    'send a token of the file of --client-token-file: in a key, any:any:TOKEN, as MAAS-Proxy-Token, Bearer or Basic'),
  MAAS_PROXY_CLIENT_EXPIRED: row(401, 'the access of the client has ended',
    'ask whoever runs the proxy for another token, which maas-auth-proxy token NAME makes'),
  MAAS_PROXY_CLIENT_KEYS_UNAVAILABLE: row(503, 'the keys that verify the tokens of workloads could not be fetched',
    'send it again in a minute; --client-jwks has to answer, with a certificate of a CA in --client-jwks-ca-file'),
  MAAS_PROXY_HOST_REFUSED: row(403, 'the Host is not a name of this listener',
    'use http://localhost:PORT, or allow the name with --allow-host'),
  MAAS_PROXY_ORIGIN_REFUSED: row(403, 'the request comes from a web page of another origin',
    'call the proxy from a program; a page may use it only if its origin is allowed with --allow-origin'),
  MAAS_PROXY_CREDENTIAL_OPERATION_REFUSED: row(403, 'the operation hands out, mints, renames or revokes a credential',
    'do it in MAAS itself, or start with --allow-credential-operations'),
  MAAS_PROXY_WRITE_REFUSED: row(403, 'the proxy is read-only',
    'start it without --read-only'),
  MAAS_PROXY_RULE_REFUSED: row(403, 'the rules do not allow the operation',
    'allow it with --allow, or remove the --deny rule; maas-auth-proxy policy list shows what is allowed'),
  MAAS_PROXY_OPERATION_UNDECIDED: row(403, 'the operation depends on a form that the proxy cannot read with certainty',
    'put op in the query: PATH?op=NAME'),
  MAAS_PROXY_PATH_UNSERVED: row(404, 'only paths below /MAAS/api/ are served',
    'use http://HOST:PORT/MAAS/api/2.0/...'),
  MAAS_PROXY_METHOD_UNSUPPORTED: row(405, 'the MAAS API does not have this method',
    'use GET, POST, PUT or DELETE'),
  MAAS_PROXY_EXPECTATION_UNSUPPORTED: row(417, 'the request has an Expect field other than 100-continue',
    'send the request without Expect'),
  MAAS_PROXY_TRANSFER_CODING_UNSUPPORTED: row(501, 'the request has a transfer coding other than chunked',
    'send the body with Content-Length, or with Transfer-Encoding: chunked'),
  MAAS_PROXY_UPGRADE_UNSUPPORTED: row(501, 'the MAAS API has no protocol to upgrade to',
    'send the request without Upgrade'),
  MAAS_PROXY_REQUEST_ALTERED: row(500, 'the server that embeds the proxy has changed the request',
    'make that server pass targets and bodies below /MAAS/ unchanged: no rewriteUrl, and no hook that reads a body'),
  MAAS_PROXY_INTERNAL: row(500, 'the proxy failed; its log has the reason',
    'report it with the log record of this request id'),
  MAAS_PROXY_FORM_MEMORY_EXHAUSTED: row(503,
    'the operation depends on a form, and the memory for looking into forms is used up by other requests',
    'put op in the query, PATH?op=NAME, or send the request again after Retry-After seconds'),
  MAAS_PROXY_SHUTTING_DOWN: row(503, 'the proxy is shutting down',
    'send the request again when the proxy is back'),
  MAAS_PROXY_OUT_OF_FILES: row(503,
    'the proxy or its machine has too many files open to connect to MAAS; nothing was sent',
    'raise the limit of open files (ulimit -n, LimitNOFILE=), or look for clients that keep connections open'),
  MAAS_PROXY_QUEUE_TIMED_OUT: row(503,
    'other requests used all connections to MAAS, or all of --max-maas-requests, for too long; this one was not sent',
    'send it again after the seconds of Retry-After; if that does not help, look for requests that do not end, or ' +
    'raise --queue-timeout or --max-maas-requests'),
  MAAS_PROXY_LOOP_DETECTED: row(508, 'the request has come back to the proxy that sent it',
    'set MAAS_URL to MAAS itself, not to a proxy that leads back here'),
  MAAS_PROXY_UPSTREAM_REFUSED: row(502, 'MAAS refused the connection',
    'check that MAAS runs and that MAAS_URL has its port (5240 for http, 5443 for https)'),
  MAAS_PROXY_UPSTREAM_UNREACHABLE: row(502, 'there is no route to the host of MAAS',
    'check the network, the firewall, the VPN, and the host in MAAS_URL'),
  MAAS_PROXY_UPSTREAM_NAME_UNKNOWN: row(502, 'the host name of MAAS cannot be resolved',
    'check the host in MAAS_URL and the name server'),
  MAAS_PROXY_UPSTREAM_UNTRUSTED: row(502, 'the certificate of MAAS cannot be verified; nothing was sent',
    'check that MAAS_URL has the name in the certificate, and name the file of its CA with --ca-file'),
  MAAS_PROXY_UPSTREAM_TLS_FAILED: row(502, 'MAAS and the proxy could not agree on a TLS connection; nothing was sent',
    'check that the server supports TLS 1.2 or newer, and whether it asks for a certificate (--client-cert-file)'),
  MAAS_PROXY_UPSTREAM_MOVED: row(502, 'MAAS has TLS and redirects to its https address',
    'set MAAS_URL to that address'),
  MAAS_PROXY_UPSTREAM_CLOSED: row(502, 'MAAS closed the connection before it answered',
    'read the log of MAAS; if MAAS has TLS on that port, check that MAAS_URL starts with https; with https, ' +
    'check whether MAAS asks for a certificate (--client-cert-file)'),
  MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED: row(502, 'the answer of MAAS is not valid HTTP',
    'check that MAAS_URL points to MAAS, and that its scheme fits its port: http for 5240, https for 5443'),
  MAAS_PROXY_UPSTREAM_FAILED: row(502, 'the exchange with MAAS failed',
    'read the log of the proxy, which has the reason, and the log of MAAS'),
  MAAS_PROXY_SHARED_ANSWER_CHANGED: row(502,
    'the client read too slowly to share the answer of others, and what it had got of it has changed in MAAS meanwhile',
    'send the request again; for slow clients start a proxy without --share-reads'),
  MAAS_PROXY_EGRESS_UNREACHABLE: row(502,
    'the egress proxy on the way to MAAS cannot be reached or does not speak HTTP',
    'check https_proxy, http_proxy and all_proxy in the environment of maas-auth-proxy, or exempt MAAS with no_proxy'),
  MAAS_PROXY_EGRESS_CREDENTIALS_REFUSED: row(502,
    'the egress proxy asks for a user name and password, or rejects the given ones',
    'put them into the URL of the proxy in the environment: http://USER:PASSWORD@HOST:PORT, percent-encoded'),
  MAAS_PROXY_EGRESS_REFUSED: row(502, 'the egress proxy refuses to open a tunnel to MAAS',
    'make it allow CONNECT to the host and port of MAAS (many allow port 443 only), or exempt MAAS with no_proxy'),
  MAAS_PROXY_EGRESS_FAILED: row(502, 'the egress proxy cannot reach MAAS',
    'check that the egress proxy can reach the host and port in MAAS_URL, or exempt MAAS with no_proxy'),
  MAAS_PROXY_CONNECT_TIMED_OUT: row(504, 'MAAS did not accept the connection in time',
    'check the host in MAAS_URL and the firewall, or raise --connect-timeout'),
  MAAS_PROXY_UPSTREAM_LOST: row(504, 'the connection to MAAS was lost: nothing comes back on it, not even a receipt',
    'check the network, the VPN and the machine of MAAS'),
  MAAS_PROXY_RESPONSE_TIMED_OUT: row(504, 'MAAS did not answer in time',
    'the operation may still be running: check its effect before you send it again, or raise --response-timeout')
} as const

/** What to do in place of using this proxy as a forward proxy, as `curl -x` and `http_proxy` do. */
export const NO_FORWARD_PROXY = 'use its address in place of that of MAAS, http://HOST:PORT/MAAS/api/2.0/..., and ' +
  'leave out curl -x or http_proxy'

/** The scheme of the address of the proxy in a remedy. */
const OWN_ADDRESS = /http:\/\/(?=(?:HOST|localhost):PORT)/g

/** The code of one of the proxy's own errors: the field `code` and the header `MAAS-Proxy-Error`. */
export type ErrorCode = keyof typeof ERRORS

/** What one occurrence of an error says in place of its row in {@link ERRORS}. */
export interface ErrorDetails {
  message?: string
  remedy?: string
  /** the error behind it, for the log only */
  cause?: unknown
}

/** An error that a client may see. Its texts hold no secret, no header or body value, and no stack. */
export class ProxyError extends Error {
  readonly code: ErrorCode
  readonly statusCode: number
  readonly remedy: string

  /**
   * @param code the row of {@link ERRORS} with the status and the default texts
   * @param details texts for this occurrence, and its cause
   */
  constructor (code: ErrorCode, details: ErrorDetails = {}) {
    const { status, message, remedy } = ERRORS[code]
    super(details.message ?? message, { cause: details.cause })
    this.name = 'ProxyError'
    this.code = code
    this.statusCode = status
    this.remedy = details.remedy ?? remedy
  }

  /**
   * Returns the JSON body of the answer. A line feed ends it, so that a shell prompt after curl starts a new line.
   * @param isSecure whether the listener has TLS, which its address in a remedy then says
   */
  body (isSecure = false): string {
    const remedy = isSecure ? this.remedy.replaceAll(OWN_ADDRESS, 'https://') : this.remedy
    return JSON.stringify({ error: { code: this.code, message: this.message, remedy } }) + '\n'
  }
}

function row (status: number, message: string, remedy: string) {
  return { status, message, remedy }
}

/** Returns what was thrown as an error. Anything can be thrown, even null. */
export function asError (thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`no Error was thrown, but ${inspect(thrown, { depth: 0 })}`)
}
