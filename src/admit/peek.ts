import type { IncomingMessage } from 'node:http'
import type { BodyStart } from './admitted.ts'

/** How much of a body may be looked at. */
export const PEEK_BYTES = 64 * 1024

/**
 * Reads the beginning of a body, for the relay to send before the rest. The rest is not read yet.
 * @returns what was read, and whether that is all; null if the client has gone
 */
export async function peek (request: IncomingMessage): Promise<BodyStart | null> {
  const chunks: Buffer[] = []
  let size = 0
  return await new Promise(resolve => {
    const finish = (start: BodyStart | null) => {
      request.off('data', onData).off('end', onEnd).off('close', onClose).pause()
      resolve(start)
    }
    const onData = (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (size > PEEK_BYTES) finish({ bytes: Buffer.concat(chunks), complete: false })
    }
    const onEnd = () => { finish({ bytes: Buffer.concat(chunks), complete: true }) }
    const onClose = () => { finish(null) }
    request.on('data', onData).on('end', onEnd).on('close', onClose)
  })
}
