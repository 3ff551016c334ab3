import type { Access } from './access.ts'

/** The parts of an answer of MAAS that a hint depends on. */
export interface ErrorAnswer {
  status: number
  access: Access
  /** the value of `Retry-After`; null if there is none */
  retryAfter: string | null
  /** the value of `WWW-Authenticate`; null if there is none */
  challenge: string | null
  /** null if it was not read */
  body: string | null
}

/** The conditions of a hint, all of which must hold, and its text. */
interface HintRow {
  status: number
  /** a part of the body */
  text?: string
  access?: Access
  /** the start of the challenge */
  challenge?: string
  /** whether the answer must have `Retry-After` */
  retryAfter?: true
  hint: string
}

const EXTERNAL_AUTHENTICATION = 'MAAS has external authentication (Candid or RBAC) on ' +
  'and rejects the API keys of local users: use the key of an external user'

/**
 * The hints; the first row whose conditions hold counts. The texts of bodies are those of piston3 (`oauth.py`,
 * `authentication.py`), of MAAS's middleware and of its nginx, as observed on MAAS 3.4.
 */
const HINTS: readonly HintRow[] = [
  {
    status: 400,
    text: 'Unrecognised signature',
    access: 'anonymous',
    hint: 'sent unsigned, and MAAS offers this operation to signed requests only'
  },
  {
    status: 400,
    text: 'Unrecognised signature',
    hint: 'MAAS has no such operation: check the method, the path and op'
  },
  {
    status: 400,
    text: 'plain HTTP request was sent to HTTPS port',
    hint: 'MAAS has TLS on this port: write https:// in MAAS_URL'
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
  { status: 401, text: 'Forbidden', hint: EXTERNAL_AUTHENTICATION },
  {
    status: 403,
    hint: 'the user of the API key may not do this: check whether it needs the key of an administrator'
  },
  {
    status: 409,
    retryAfter: true,
    hint: 'MAAS was busy with a conflicting request: send the request again after Retry-After seconds'
  },
  {
    status: 409,
    hint: 'the request conflicts with the current state of the resource; retrying will not help'
  },
  { status: 413, hint: 'the nginx of MAAS accepts bodies of up to 10 MB: upload boot resources in chunks' },
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
  }
]

/** Whether a hint for this status depends on the body. */
export function hintNeedsBody (status: number): boolean {
  return HINTS.some(row => row.status === status && row.text !== undefined)
}

/** Returns the hint for an answer of MAAS, one line of printable ASCII; null if there is none. */
export function findHint ({ status, access, retryAfter, challenge, body }: ErrorAnswer): string | null {
  return HINTS.find(row => (
    row.status === status &&
    (row.text === undefined || body?.includes(row.text) === true) &&
    (row.access === undefined || row.access === access) &&
    (row.challenge === undefined || challenge?.startsWith(row.challenge) === true) &&
    (row.retryAfter === undefined || retryAfter !== null)
  ))?.hint ?? null
}
