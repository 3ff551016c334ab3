import type { Parameter } from './query.ts'

/** The target of a request, as MAAS will read it. */
export interface Target {
  /** the path exactly as it was sent, and as it is forwarded */
  rawPath: string
  /** percent-decoded, slashes collapsed: what decisions are made on, because MAAS matches this */
  path: string
  query: readonly Parameter[]
}
