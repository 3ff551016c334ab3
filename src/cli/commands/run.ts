import { loadConfig } from '../../settings/load.ts'
import type { Flags } from '../../settings/setting-input.ts'
import { type Command, openLog, stopUnlessSignalled, uncaughtError } from '../command.ts'
import { startProxy } from '../../proxy/start.ts'
import { runChild, type StartError } from './run/child.ts'
import { childEnvironment } from './run/environment.ts'

/** A port of its own, so that any number of commands can run at once, and a log that leaves stderr to the command. */
const DEFAULTS: Flags = { listen: ['127.0.0.1:0'], logLevel: ['warn'] }

/** Runs a command that finds the proxy in its environment, and the key nowhere; ends with it. */
export const run: Command = {
  help: 'run a command with MAAS_URL, MAAS_API_URL and MAAS_API_KEY set for a proxy of its own, on a free port unless --listen says where',
  operands: 'COMMAND [ARGUMENT...]',
  async run ({ flags, operands }, { env, stderr, signals }) {
    const config = await loadConfig(flags, env, DEFAULTS)
    const logger = await openLog(config, stderr, signals)
    const proxy = await startProxy(config, logger, { probeAtStart: true })
    const childEnv = childEnvironment(env, proxy.addresses, config.keys.map(({ apiKey }) => apiKey))
    const failing = uncaughtError(signals, logger)
    void failing.then(() => signals.emit('SIGTERM', 'SIGTERM')) // which goes on to the command
    const code = await runChild(operands as string[], childEnv, signals).catch((error: StartError) => {
      stderr.write(`maas-auth-proxy: error: ${error.message}\n`)
      return error.exitCode
    })
    // What the command left running may have requests under way; they end as they do when the proxy is asked to stop.
    const stopCode = await stopUnlessSignalled(signals, proxy)
    await logger.destination.close()
    return code || stopCode
  }
}
