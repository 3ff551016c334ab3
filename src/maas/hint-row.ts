import type { Access } from './access.ts'

/** A route of MAAS's API that some version has. */
export interface HintRoute {
  /** relative to the API's root, parameters in braces: `scripts/{name}` */
  template: string
  /** its methods, without HEAD */
  methods: readonly string[]
  /** the methods that have the op of the request */
  methodsOfOp: readonly string[]
  /** the first version that has it; undefined if all supported ones do */
  since?: string
  /** the first version that has it no more */
  goneIn?: string
}

/** The parts of a request that a hint depends on. */
export interface HintRequest {
  method: string
  /** as received, without the query: visible ASCII */
  rawPath: string
  /** the op that MAAS was asked for; null for the plain method */
  op: string | null
  /** whether the op was the ending of the path */
  isOpInPath: boolean
  /** the kind of the body; null if there was none, or no more than an empty JSON value */
  body: 'form' | 'json' | 'other' | null
  /** null if no supported version of MAAS has such a path */
  route: HintRoute | null
  /** whether MAAS ignores a body that is no form, and answers a success all the same */
  ignoresOtherBodies: boolean
}

/** What is known of MAAS and of the user of the key. */
export interface MaasFacts {
  /** the version of MAAS, such as `3.7.3`; null if it has not said it yet */
  readonly version: string | null
  /** whether the key is that of an administrator; null if MAAS has not said so yet */
  readonly isAdmin: boolean | null
}

/** The parts of an answer of MAAS that a hint depends on. */
export interface HintAnswer extends MaasFacts {
  status: number
  access: Access
  /** the value of `Retry-After`; null if there is none */
  retryAfter: string | null
  /** the value of `WWW-Authenticate`; null if there is none */
  challenge: string | null
  /** the value of `Allow`; null if there is none */
  allow: string | null
  /** null if it was not read */
  body: string | null
  /** null for a probe of the proxy itself */
  request: HintRequest | null
}

/** The conditions of a hint, all of which must hold, and its text. */
export interface HintRow {
  status: number | readonly number[]
  /** a part of the body */
  text?: string | RegExp
  access?: Access
  /** the start of the challenge */
  challenge?: string
  /** whether the answer must have `Retry-After` */
  retryAfter?: true
  isAdmin?: boolean
  /** a condition on the request; a probe meets none */
  request?: (request: HintRequest, answer: HintAnswer) => boolean
  /** the text, or a function that makes it; only for a row with a condition on the request */
  hint: string | ((request: HintRequest, answer: HintAnswer) => string)
}

/** Whether a row may apply to a status. */
export function hasStatus (row: HintRow, status: number): boolean {
  return typeof row.status === 'number' ? row.status === status : row.status.includes(status)
}

/** Whether all conditions of a row hold. */
export function applies (row: HintRow, answer: HintAnswer): boolean {
  const { text, access, challenge, retryAfter, isAdmin, request } = row
  return hasStatus(row, answer.status) &&
    (text === undefined || (answer.body !== null && hasText(answer.body, text))) &&
    (access === undefined || access === answer.access) &&
    (challenge === undefined || answer.challenge?.startsWith(challenge) === true) &&
    (retryAfter === undefined || answer.retryAfter !== null) &&
    (isAdmin === undefined || isAdmin === answer.isAdmin) &&
    (request === undefined || (answer.request !== null && request(answer.request, answer)))
}

function hasText (body: string, text: string | RegExp): boolean {
  return typeof text === 'string' ? body.includes(text) : text.test(body)
}
