import { Client } from 'undici'
import { READY_PATH } from '../../respond/status-pages.ts'
import { bracket, type ListenAddress, reachableHost } from '../../listen/address.ts'
import { loadAddresses } from '../../settings/load.ts'
import { SettingsError } from '../../settings/settings-error.ts'
import { type Command, EXIT } from '../command.ts'

/** The time limit of the answer: longer than the proxy waits for MAAS. */
const ANSWER_TIMEOUT_MS = 5000

/** Asks the proxy that runs with the same settings whether it is ready. It is a probe for containers without curl. */
export const ready: Command = {
  help: 'ask the proxy that runs with these settings whether it is ready; exit code 0 or 1',
  async run ({ flags }, { env, stdout, stderr }) {
    const { admin, listeners: [first] } = await loadAddresses(flags, env)
    const address = admin ?? first
    if (address === undefined || ('port' in address && address.port === 0)) {
      throw new SettingsError(['ready: the port is 0, so the address is unknown; give --admin-listen a port'])
    }
    try {
      const { statusCode, body } = await askAt(address)
      ;(statusCode === 200 ? stdout : stderr).write(`${body}\n`)
      return statusCode === 200 ? EXIT.ok : EXIT.failure
    } catch (error) {
      const { name, message } = error as Error
      const reason = name === 'TimeoutError'
        ? `the proxy there has not answered within ${ANSWER_TIMEOUT_MS / 1000} s`
        : `no proxy answers there: ${message}`
      stderr.write(`maas-auth-proxy: error: ${reason}\n`)
      return EXIT.failure
    }
  }
}

async function askAt (address: ListenAddress): Promise<{ statusCode: number, body: string }> {
  const client = 'path' in address
    ? new Client('http://localhost', { socketPath: address.path })
    : new Client(`http://${bracket(reachableHost(address.host))}:${address.port}`)
  try {
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
    const { statusCode, body } = await client.request({ method: 'GET', path: READY_PATH, signal })
    return { statusCode, body: (await body.text()).trim() }
  } finally {
    await client.destroy()
  }
}
