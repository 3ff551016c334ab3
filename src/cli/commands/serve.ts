import { createDebugToggle } from '../../observe/log/debug-switch.ts'
import { collectWhenQuiet } from '../../performance/collect-when-quiet.ts'
import { loadConfig } from '../../settings/load.ts'
import { type Command, EXIT, stopSignal, stopUnlessSignalled, uncaughtError, withLog } from '../command.ts'
import { printOverview } from '../overview.ts'
import { notifySystemd } from '../systemd-notify.ts'
import { startProxy } from '../../proxy/start.ts'
import { paintFor } from '../../text/terminal.ts'

/** The default command: runs the proxy until a signal stops it. The log goes to stdout. */
export const serve: Command = {
  summary: 'run the proxy (the default)',
  help: 'run the proxy (the default)',
  examples: [
    [
      '--maas-url https://maas.example:5443/MAAS --api-key-file ~/.config/maas-api-key',
      'serve on http://localhost:5241'
    ],
    [
      '--profile admin --listen 8080 --read-only',
      'the address, key and CA of a profile of the maas CLI, on another port, for reads'
    ],
    ['--config /etc/maas-auth-proxy/proxy.yaml', 'several listeners, each with its own rules']
  ],
  async run ({ flags }, io) {
    const { env, stdout, signals } = io
    const config = await loadConfig(flags, env)
    return await withLog(config, stdout, io, async logger => {
      const stopping = stopSignal(signals)
      const failing = uncaughtError(signals, logger)
      const starting = startProxy(config, logger, { probeAtStart: true })
      signals.on('SIGUSR2', createDebugToggle(logger))
      signals.on('SIGHUP', () => { void starting.then(proxy => proxy.reload(), () => {}) })
      const proxy = await starting
      collectWhenQuiet()
      notifySystemd(env, logger, 'READY=1', `STATUS=listening on ${proxy.addresses.join(' and ')}`)
      void printOverview(proxy, logger, paintFor(stdout, env))
      const idle = config.idleExitMs === undefined ? [] : [proxy.waitUntilIdle(config.idleExitMs)]
      const reason = await Promise.race([stopping, failing, ...idle])
      logger.info('stopping')
      notifySystemd(env, logger, 'STOPPING=1')
      const code = await stopUnlessSignalled(signals, proxy) || (reason ?? EXIT.ok)
      logger.info({ code }, 'stopped')
      return code
    })
  }
}
