import type { IncomingMessage } from 'node:http'
import type { BodyStart } from './admitted.ts'

/** Maximum number of body bytes that admission may read and still decide. */
export const PEEK_BYTES = 64 * 1024

/**
 * Reads the start of a body, and stops when it exceeds {@link PEEK_BYTES}. The rest stays in the request, paused.
 * @returns the start; null if the client closes the connection
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
      if (size > PEEK_BYTES) finish({ bytes: Buffer.concat(chunks), isComplete: false })
    }
    const onEnd = () => { finish({ bytes: Buffer.concat(chunks), isComplete: true }) }
    const onClose = () => { finish(null) }
    request.on('data', onData).on('end', onEnd).on('close', onClose)
  })
}
