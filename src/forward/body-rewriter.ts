/** A rewriter of a body, chunk by chunk. */
export interface BodyRewriter {
  /** Rewrites the next chunk; a part that cannot be decided on yet comes out later. */
  write (chunk: Buffer): Buffer
  /** Returns the rest after the last chunk. */
  end (): Buffer
}
