import type { IncomingMessage, ServerResponse } from 'node:http'
import { ProxyError } from '../errors.ts'
import type { BodyStart } from './admitted.ts'
import { FormShare } from './form-memory.ts'

/** Maximum number of body bytes that admission may read and still decide. Forms with user data have 100 KB and more. */
export const PEEK_BYTES = 1024 * 1024

/** The start of a form, and why it is not the whole form. */
export interface FormStart extends BodyStart {
  /** null if nothing stopped the reading */
  limit: 'size' | 'memory' | null
}

/**
 * Reads the start of a body, and stops when it exceeds {@link PEEK_BYTES} or the memory for forms is used up. The rest
 * stays in the request, paused.
 * @param timeoutMs how long the client may send nothing
 * @returns the start; an error if the client sends nothing for that time; null if it closes the connection
 */
export async function peek (
  request: IncomingMessage, response: ServerResponse, timeoutMs: number
): Promise<FormStart | ProxyError | null> {
  const share = new FormShare(request, response)
  const chunks: Buffer[] = []
  let size = 0
  return await new Promise(resolve => {
    const timer = setTimeout(() => { finish(new ProxyError('MAAS_PROXY_BODY_TIMED_OUT')) }, timeoutMs)
    const finish = (start: FormStart | ProxyError | null) => {
      clearTimeout(timer)
      request.off('data', onData).off('end', onEnd).off('close', onClose).pause()
      resolve(start)
    }
    const stop = (limit: FormStart['limit']) => {
      finish({ bytes: Buffer.concat(chunks), isComplete: limit === null, limit })
    }
    const onData = (chunk: Buffer) => {
      timer.refresh()
      chunks.push(chunk)
      size += chunk.length
      if (size > PEEK_BYTES) stop('size')
      else if (!share.growTo(size)) stop('memory')
    }
    const onEnd = () => { stop(null) }
    const onClose = () => { finish(null) }
    request.on('data', onData).on('end', onEnd).on('close', onClose)
  })
}
