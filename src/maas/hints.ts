import type { Access } from './access.ts'

/** An answer of MAAS, as far as a hint depends on it. */
export interface ErrorAnswer {
  status: number
  access: Access
  /** the value of `Retry-After`; null where there is none */
  retryAfter: string | null
  /** the value of `WWW-Authenticate`; null where there is none */
  challenge: string | null
  /** null where it was not looked at */
  body: string | null
}

/** One line: what an answer looks like, and what to say to it. */
interface HintRow {
  status: number
  /** part of the body; without one the status is enough */
  text?: string
  access?: Access
  challenge?: string
  retryAfter?: true
  hint: string
}

const EXTERNAL = 'MAAS has external authentication (Candid or RBAC) on, where the API key of a local user is not taken: use the key of a user from there'

/**
 * What MAAS says, and what it means, in the words of a user of the proxy: the first row that fits counts. The texts are those
 * of piston3 (`oauth.py`, `authentication.py`), of MAAS's middleware and of its nginx, as a running MAAS 3.4 sent them.
 */
const HINTS: readonly HintRow[] = [
  { status: 400, text: 'Unrecognised signature', access: 'anonymous', hint: 'sent unsigned, and MAAS does not offer this operation to anyone' },
  { status: 400, text: 'Unrecognised signature', hint: 'MAAS has no such operation: check the method, the path and op' },
  { status: 400, text: 'plain HTTP request was sent to HTTPS port', hint: 'MAAS has TLS on this port: write https:// in MAAS_URL' },
  { status: 401, text: 'Invalid API key', hint: 'MAAS does not know the consumer key, the first part of the API key: was the key deleted, or is MAAS_URL that of another MAAS?' },
  { status: 401, text: 'Invalid access token', hint: 'MAAS does not know the token key, the second part of the API key: was the key deleted?' },
  { status: 401, text: 'Invalid signature', hint: 'the token secret, the third part of the API key, is not the one that MAAS has: was it copied whole?' },
  { status: 401, text: 'Expired timestamp', hint: 'the clock of this machine was behind that of MAAS; the proxy has learned the time from this answer, so send the request again' },
  { status: 401, text: 'Nonce already used', hint: 'MAAS took the request for one it had seen; send it again' },
  { status: 401, text: 'must be logged in', hint: 'sent unsigned, and MAAS accepts machines only from somebody it knows: send MAAS-Proxy-Access: signed, or leave it out' },
  { status: 401, challenge: 'Macaroon', hint: EXTERNAL },
  { status: 401, access: 'anonymous', hint: 'sent unsigned, and MAAS does not offer this to anyone' },
  { status: 401, text: 'Forbidden', hint: EXTERNAL },
  { status: 403, hint: 'MAAS knows the user of the API key, who may not do this: is it the key of an administrator?' },
  { status: 409, retryAfter: true, hint: 'MAAS was busy with something else that it could not do at the same time: send the request again after Retry-After seconds' },
  { status: 409, hint: 'what was asked for does not go with the state things are in, see the answer; sending it again does not help' },
  { status: 413, hint: 'the nginx of MAAS takes bodies of up to 10 MB: upload boot resources in chunks' },
  { status: 502, hint: 'what stands in front of MAAS, mostly its own nginx, gets no answer from the region controller: is it starting, or down?' },
  { status: 503, retryAfter: true, hint: 'MAAS cannot do it now, a rack controller may be away: send the request again after Retry-After seconds' },
  { status: 503, hint: 'MAAS cannot do it, see the answer: power, addresses or a virtual machine host may be the reason' }
]

/** Whether a hint to a status depends on the body, so that it has to be looked at. */
export function hintNeedsBody (status: number): boolean {
  return HINTS.some(row => row.status === status && row.text !== undefined)
}

/** What to say to an answer of MAAS, in one line; null where there is nothing to say. */
export function findHint ({ status, access, retryAfter, challenge, body }: ErrorAnswer): string | null {
  return HINTS.find(row => (
    row.status === status &&
    (row.text === undefined || body?.includes(row.text) === true) &&
    (row.access === undefined || row.access === access) &&
    (row.challenge === undefined || challenge?.startsWith(row.challenge) === true) &&
    (row.retryAfter === undefined || retryAfter !== null)
  ))?.hint ?? null
}
