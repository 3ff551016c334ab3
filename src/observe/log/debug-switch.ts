import type { Logger } from 'pino'

/** How long the level stays raised, in milliseconds: enough to reproduce a problem, not enough to fill a disk. */
const RAISED_MS = 10 * 60 * 1000

/**
 * Creates a function that raises the level of a logger to debug for a limited time, or puts it back if it is raised.
 * A logger whose own level is debug or trace keeps it.
 * @param raisedMs time until the level goes back by itself, in milliseconds
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
    if (logger.isLevelEnabled('debug')) return logger.info('the log level is already debug or trace')
    logger.level = 'debug'
    timer = setTimeout(putBack, raisedMs).unref()
    logger.info({ minutes: raisedMs / 60_000 }, 'the log level has been raised to debug; another SIGUSR2 puts it back')
  }
}
