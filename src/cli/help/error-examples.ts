import type { ErrorCode } from '../../errors.ts'

/** A request or a situation for each error, and what mends it. */
export const ERROR_EXAMPLES: Readonly<Record<ErrorCode, string>> = {
  MAAS_PROXY_REQUEST_MALFORMED:
    'a client speaks https to the proxy, which speaks http: write http://localhost:5241/MAAS',
  MAAS_PROXY_TLS_REQUIRED: 'curl http://localhost:5241/MAAS/api/2.0/version/ with --tls-cert-file\n' +
    'write: curl --cacert ca.pem https://localhost:5241/MAAS/api/2.0/version/',
  MAAS_PROXY_REQUEST_TIMED_OUT: 'a connection is opened by hand, with nc for instance, and the header is not ended',
  MAAS_PROXY_BODY_TIMED_OUT:
    'an upload by curl -T - from a program that pauses for minutes: write the data to a file first',
  MAAS_PROXY_PIPELINE_TOO_LONG: 'a load generator sends 100 requests on one connection without reading the answers',
  MAAS_PROXY_HEADER_TOO_LARGE: 'a browser sends the cookies of every program on localhost: use curl, or clear them',
  MAAS_PROXY_HEADER_MALFORMED: 'curl -H "MAAS-Proxy-Access: none": the values are anonymous and signed',
  MAAS_PROXY_TARGET_MALFORMED: 'curl -x http://localhost:5241 http://maas:5240/MAAS/api/2.0/machines/\n' +
    'write: curl http://localhost:5241/MAAS/api/2.0/machines/',
  MAAS_PROXY_OAUTH_PARAMETER_PRESENT: 'Postman adds its OAuth data to the URL: choose "No Auth"',
  MAAS_PROXY_CALLBACK_PRESENT: 'jQuery asks with dataType "jsonp": use "json", from a server and not from a page',
  MAAS_PROXY_ACCESS_UNAVAILABLE: 'curl -H "MAAS-Proxy-Access: anonymous" http://localhost:5241/MAAS/api/2.0/users/\n' +
    'MAAS serves users to known users only: leave the header out',
  MAAS_PROXY_CLIENT_UNKNOWN: 'curl -H "MAAS-Proxy-Token: $(cat token)" http://localhost:5241/MAAS/api/2.0/machines/\n' +
    'maas login proxied http://localhost:5241/MAAS "any:any:$(cat token)"\n' +
    'a tool that signs with HMAC-SHA1, as maas-client-go, needs the key any:TOKEN:any',
  MAAS_PROXY_CLIENT_EXPIRED: 'the line of the client in the file of tokens has expires=2026-12-31, which is over\n' +
    'maas-auth-proxy token ci --expires 90d makes another line',
  MAAS_PROXY_CLIENT_KEYS_UNAVAILABLE: '--client-jwks https://kubernetes.default.svc/openid/v1/jwks without\n' +
    '--client-jwks-ca-file /var/run/secrets/kubernetes.io/serviceaccount/ca.crt',
  MAAS_PROXY_HOST_REFUSED: 'curl http://build-host:5241/MAAS/api/2.0/version/\n' +
    'start the proxy with --allow-host build-host, or ask it as localhost',
  MAAS_PROXY_ORIGIN_REFUSED:
    'a page of http://localhost:3000 calls fetch: start with --allow-origin http://localhost:3000',
  MAAS_PROXY_CREDENTIAL_OPERATION_REFUSED: 'curl -X POST "http://localhost:5241/MAAS/api/2.0/account/' +
    '?op=create_authorisation_token"\na client of the proxy would get a key of its own, without rules',
  MAAS_PROXY_WRITE_REFUSED: 'curl -X DELETE http://localhost:5241/MAAS/api/2.0/tags/blue/ with --read-only',
  MAAS_PROXY_RULE_REFUSED: "maas-auth-proxy policy test 'DELETE tags/blue' names the rule that refuses; it takes the " +
    'same settings',
  MAAS_PROXY_OPERATION_UNDECIDED: 'curl -F op=release http://localhost:5241/MAAS/api/2.0/machines/ with a large file ' +
    'before op\nwrite: curl "http://localhost:5241/MAAS/api/2.0/machines/?op=release"',
  MAAS_PROXY_PATH_UNSERVED: 'curl http://localhost:5241/MAAS/r/machines: the web UI is at MAAS itself',
  MAAS_PROXY_METHOD_UNSUPPORTED: 'curl -X PATCH: MAAS changes a resource with PUT',
  MAAS_PROXY_EXPECTATION_UNSUPPORTED: 'curl -H "Expect: something"',
  MAAS_PROXY_TRANSFER_CODING_UNSUPPORTED: 'curl -H "Transfer-Encoding: gzip": leave the field to the client',
  MAAS_PROXY_UPGRADE_UNSUPPORTED: 'a websocket of the web UI: it is at MAAS itself',
  MAAS_PROXY_REQUEST_ALTERED: 'a server of yours with a preParsing hook that reads bodies below /MAAS/',
  MAAS_PROXY_INTERNAL: 'grep the request id of the answer in the log of the proxy',
  MAAS_PROXY_FORM_MEMORY_EXHAUSTED: 'many uploads at once with op in the form: put it into the query, ?op=NAME',
  MAAS_PROXY_SHUTTING_DOWN: 'systemctl restart maas-auth-proxy while a client keeps its connection',
  MAAS_PROXY_OUT_OF_FILES: 'LimitNOFILE=65536 in the unit of the service, or ulimit -n 65536 in the shell',
  MAAS_PROXY_QUEUE_TIMED_OUT: 'a script that starts hundreds of deployments at once: let it wait for answers',
  MAAS_PROXY_LOOP_DETECTED: 'MAAS_URL=http://localhost:8080/MAAS, where an nginx leads back to the proxy',
  MAAS_PROXY_UPSTREAM_REFUSED: 'MAAS_URL=http://maas.example/MAAS, without the port: write ' +
    'http://maas.example:5240/MAAS',
  MAAS_PROXY_UPSTREAM_UNREACHABLE: 'ping the host in MAAS_URL; maas-auth-proxy check goes the way step by step',
  MAAS_PROXY_UPSTREAM_NAME_UNKNOWN: 'getent hosts maas.example; in a container the name server may be another',
  MAAS_PROXY_UPSTREAM_UNTRUSTED: 'maas-auth-proxy --maas-url https://maas.example:5443/MAAS --ca-file maas-ca.pem',
  MAAS_PROXY_UPSTREAM_TLS_FAILED: 'openssl s_client -connect maas.example:5443 shows which versions the server has',
  MAAS_PROXY_UPSTREAM_MOVED: 'MAAS_URL=http://maas.example:5240/MAAS after maas config-tls enable: write ' +
    'https://maas.example:5443/MAAS',
  MAAS_PROXY_UPSTREAM_CLOSED: 'MAAS_URL=http://maas.example:5443/MAAS, with http for a port of https',
  MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED: 'MAAS_URL=https://maas.example:5240/MAAS, with https for a port of http',
  MAAS_PROXY_UPSTREAM_FAILED: 'the record of the request in the log has the cause',
  MAAS_PROXY_SHARED_ANSWER_CHANGED: 'curl --limit-rate 100k of a long list, while fast clients share the same list: ' +
    'curl reports an incomplete answer',
  MAAS_PROXY_EGRESS_UNREACHABLE: 'no_proxy=maas.example maas-auth-proxy check: does it work without the egress proxy?',
  MAAS_PROXY_EGRESS_CREDENTIALS_REFUSED: 'https_proxy=http://USER:PASSWORD@proxy.example:3128',
  MAAS_PROXY_EGRESS_REFUSED: 'squid allows CONNECT to port 443 only: acl SSL_ports port 5443',
  MAAS_PROXY_EGRESS_FAILED: 'no_proxy=maas.example, if MAAS is in the same network as this machine',
  MAAS_PROXY_CONNECT_TIMED_OUT: 'a firewall drops packets to port 5240; nc -vz maas.example 5240 waits as well',
  MAAS_PROXY_UPSTREAM_LOST: 'the VPN to MAAS ended while a request ran',
  MAAS_PROXY_RESPONSE_TIMED_OUT: 'a commissioning with --response-timeout 5s: raise it, and look at the machine first'
}
