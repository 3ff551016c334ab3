import { execFile } from 'node:child_process'
import type { Logger } from 'pino'
import type { Environment } from '../environment.ts'

/** How long the service manager may take to hear. */
const HEARING_MS = 5000

/**
 * Tells the service manager how it stands with this process, if one wants to know, in the words of sd_notify(3): `READY=1`,
 * `STOPPING=1`, `STATUS=TEXT`. Node has no datagram socket of the unix family, so systemd's own program is asked to do it, which
 * `NotifyAccess=all` in the unit allows. It is not waited for, and what it fails with is logged: the proxy works all the same.
 */
export function notifySystemd (environment: Environment, logger: Logger, ...states: string[]): void {
  const { NOTIFY_SOCKET, PATH } = environment
  if (!NOTIFY_SOCKET) return
  execFile('systemd-notify', states, { env: { NOTIFY_SOCKET, PATH }, timeout: HEARING_MS }, error => {
    if (error !== null) logger.warn({ cause: { code: error.code, message: error.message } }, 'the service manager could not be told; is systemd-notify installed?')
  })
}
