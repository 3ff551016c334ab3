import type { Logger } from 'pino'

/** How long a level stays raised: long enough to see something happen again, short enough that no disk fills meanwhile. */
const RAISED_MS = 10 * 60 * 1000

/**
 * Makes what raises the level of a logger to debug for a while, and puts it back when it is called again. A logger that says as much already is
 * left as it is.
 */
export function createDebugToggle (logger: Logger, raisedMs = RAISED_MS): () => void {
  const { level } = logger
  let timer: NodeJS.Timeout | undefined

  function putBack (): void {
    clearTimeout(timer)
    timer = undefined
    logger.info({ to: level }, 'the log level is back')
    logger.level = level
  }

  return () => {
    if (timer !== undefined) return putBack()
    if (logger.isLevelEnabled('debug')) return logger.info('the log level is debug or beyond already')
    logger.level = 'debug'
    timer = setTimeout(putBack, raisedMs).unref()
    logger.info({ minutes: raisedMs / 60_000 }, 'the log level has been raised to debug; another SIGUSR2 puts it back')
  }
}
