import { execFile } from 'node:child_process'
import type { Logger } from 'pino'
import type { Environment } from '../environment.ts'

/** The time limit of a notification. */
const NOTIFY_TIMEOUT_MS = 5000

/**
 * Tells the service manager the state of this process, if `NOTIFY_SOCKET` is set. Node has no unix datagram sockets, so
 * it runs `systemd-notify`, which needs `NotifyAccess=all` in the unit. It does not wait for the result. A failure is
 * only logged, because the proxy works without it.
 * @param states assignments as in sd_notify(3): `READY=1`, `STOPPING=1`, `STATUS=TEXT`
 */
export function notifySystemd (environment: Environment, logger: Logger, ...states: string[]): void {
  const { NOTIFY_SOCKET, PATH } = environment
  if (!NOTIFY_SOCKET) return
  execFile('systemd-notify', states, { env: { NOTIFY_SOCKET, PATH }, timeout: NOTIFY_TIMEOUT_MS }, error => {
    if (error === null) return
    const cause = { code: error.code, message: error.message }
    logger.warn({ cause }, 'the service manager could not be told; is systemd-notify installed?')
  })
}
