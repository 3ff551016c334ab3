import type { Parameter } from './query.ts'

/** The target of a request, as MAAS reads it. */
export interface Target {
  /** the path exactly as it was received, and is forwarded */
  rawPath: string
  /** percent-decoded, slashes collapsed: MAAS matches this, so decisions use it */
  path: string
  query: readonly Parameter[]
}
