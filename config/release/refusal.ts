/** Why there is no release, in one line with what to do. */
export class Refusal extends Error {}

/** The codes of errors that npm prints when it reaches no registry. */
const CODES = [
  'ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'ENETUNREACH', 'EHOSTUNREACH',
  'ERR_SOCKET_TIMEOUT'
]

/** Returns the code of the error by which npm reached no registry, or null if it failed for another reason. */
export function unreachable (printed: string): string | null {
  return CODES.find(code => printed.includes(code)) ?? null
}
