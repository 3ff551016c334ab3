import { applies, hasStatus, type HintAnswer, type HintRequest, type HintRow } from './hint-row.ts'
import { PATH_HINTS } from './path-hints.ts'

const EXTERNAL_AUTHENTICATION = 'MAAS has external authentication (Candid or RBAC) on ' +
  'and rejects the API keys of local users: use the key of an external user'

const AS_A_FORM = 'send the parameters as a form (curl -d NAME=VALUE or -F), not as JSON'

/**
 * The hints; the first row whose conditions hold counts. The texts of bodies are those of piston3 (`oauth.py`,
 * `authentication.py`), of MAAS's middleware and of its nginx, as recorded on MAAS 3.4 and 3.7.
 */
const HINTS: readonly HintRow[] = [
  {
    status: [200, 201],
    request: ({ body, ignoresOtherBodies }) => ignoresOtherBodies && body === 'json',
    hint: `MAAS ignores a JSON body here, so your parameters had no effect: ${AS_A_FORM}`
  },
  {
    status: [200, 201],
    request: ({ body, ignoresOtherBodies }) => ignoresOtherBodies && body === 'other',
    hint: 'MAAS ignores a body here that is not a form, so your parameters had no effect: ' +
      'send them as a form (curl -d NAME=VALUE or -F)'
  },
  ...PATH_HINTS,
  {
    status: 400,
    text: 'plain HTTP request was sent to HTTPS port',
    hint: 'MAAS has TLS on this port: write https:// in MAAS_URL'
  },
  {
    status: 400,
    text: 'Request Header Or Cookie Too Large',
    hint: 'the nginx of MAAS accepts 8 KB of a header field (32 KB since MAAS 3.8): send fewer or shorter fields'
  },
  {
    status: [400, 500],
    text: 'Invalid boundary',
    hint: 'the form has no boundary in its Content-Type: let the client write that field (curl -F does)'
  },
  {
    status: 400,
    text: /^(?:\{\}|Bad Request)$/,
    request: ({ body }) => body === 'json' || body === 'other',
    hint: `MAAS could not read parameters from the body: ${AS_A_FORM}`
  },
  {
    status: 400,
    text: 'has been removed',
    hint: 'removed in MAAS 4.0, see the answer: leave that parameter out'
  },
  {
    status: 401,
    text: 'Invalid API key',
    hint: 'MAAS does not know the consumer key, the first part of the API key: ' +
      'check whether the key was deleted, and whether MAAS_URL is that of another MAAS'
  },
  {
    status: 401,
    text: 'Invalid access token',
    hint: 'MAAS does not know the token key, the second part of the API key: check whether the key was deleted'
  },
  {
    status: 401,
    text: 'Invalid signature',
    hint: 'the token secret, the third part of the API key, is wrong: check that the key was copied whole'
  },
  {
    status: 401,
    text: 'Expired timestamp',
    hint: 'the clock of this machine was behind the clock of MAAS; ' +
      'the proxy has learned the time from this answer: send the request again'
  },
  { status: 401, text: 'Nonce already used', hint: 'MAAS has already seen the nonce of this request: send it again' },
  {
    status: 401,
    text: 'must be logged in',
    hint: 'sent unsigned, and MAAS accepts machines for signed requests only: ' +
      'send MAAS-Proxy-Access: signed, or leave it out'
  },
  { status: 401, challenge: 'Macaroon', hint: EXTERNAL_AUTHENTICATION },
  { status: 401, access: 'anonymous', hint: 'sent unsigned, and MAAS offers this to signed requests only' },
  {
    status: 401,
    text: 'Forbidden',
    hint: `${EXTERNAL_AUTHENTICATION}; or the user was switched off at the identity provider (MAAS 3.8)`
  },
  {
    status: 403,
    isAdmin: true,
    hint: 'the key is that of an administrator, and MAAS forbids this all the same: ' +
      'it may be up to the owner of the resource alone'
  },
  {
    status: 403,
    isAdmin: false,
    hint: 'the user of the API key is no administrator and may not do this: ' +
      'use the key of an administrator, or of the owner of the resource'
  },
  { status: 403, hint: 'the user of the API key may not do this: check whether it needs the key of an administrator' },
  {
    status: 409,
    retryAfter: true,
    hint: 'MAAS was busy with a conflicting request: send the request again after Retry-After seconds; ' +
      'if it stays, what you create may exist already'
  },
  { status: 409, hint: 'the request conflicts with the current state of the resource; retrying will not help' },
  {
    status: 414,
    hint: 'the nginx of MAAS accepts 8 KB of a request line (32 KB since MAAS 3.8): ask for fewer at a time, ' +
      'such as fewer id= parameters'
  },
  {
    status: 500,
    text: /object has no attribute '(?:get|getlist|lists|items)'/,
    hint: `MAAS cannot read the body: ${AS_A_FORM}`
  },
  {
    status: 500,
    text: 'dictionary changed size',
    hint: 'take every oauth_ parameter out of the form: the proxy signs the request'
  },
  {
    status: 502,
    hint: 'the server in front of MAAS, usually its own nginx, gets no answer from the region controller: ' +
      'check whether it is starting or down'
  },
  {
    status: 503,
    retryAfter: true,
    hint: 'MAAS cannot do this now, a rack controller may be disconnected: ' +
      'send the request again after Retry-After seconds'
  },
  {
    status: 503,
    hint: 'MAAS cannot do this, see the answer: power, addresses or a virtual machine host may be the reason'
  },
  {
    status: 504,
    hint: 'the server in front of MAAS gave up waiting, and MAAS may still be at work: ' +
      'look at the resource before you send the request again'
  }
]

/** Whether a hint for this status depends on the body. */
export function hintNeedsBody (status: number): boolean {
  return HINTS.some(row => hasStatus(row, status) && row.text !== undefined)
}

/** Returns the hint for an answer of MAAS, one line of printable ASCII; null if there is none. */
export function findHint (answer: HintAnswer): string | null {
  const hint = HINTS.find(row => applies(row, answer))?.hint ?? null
  return typeof hint === 'function' ? hint(answer.request as HintRequest, answer) : hint
}
