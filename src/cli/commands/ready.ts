import { Client } from 'undici'
import { READY_PATH } from '../../respond/status-pages.ts'
import { formatListenAddress, type ListenAddress, reachableHost } from '../../listen/address.ts'
import { loadAddresses } from '../../settings/load-addresses.ts'
import { SettingsError } from '../../settings/settings-error.ts'
import { type Command, CommandError, EXIT } from '../command.ts'

/** The time limit of the answer: longer than the proxy waits for MAAS. */
const ANSWER_TIMEOUT_MS = 5000

/** The answer of the readiness page, as far as it is read here. */
interface Answer {
  ready: boolean
  reason: string
  remedy: string | null
}

/** Asks the proxy that runs with the same settings whether it is ready. It is a probe for containers without curl. */
export const ready: Command = {
  summary: 'ask a running proxy whether it is ready',
  help: 'ask the proxy that runs with these settings whether it is ready; exit code 0 or 1 (--json)',
  examples: [
    ['ready', 'the proxy at http://127.0.0.1:5241'],
    ['ready --admin-listen 127.0.0.1:9241 --json', 'a probe of a container']
  ],
  json: true,
  async run ({ flags, json }, { env, stdout }) {
    const { admin, listeners: [first], secure } = await loadAddresses(flags, env)
    const address = admin ?? first
    if (address === undefined || ('port' in address && address.port === 0)) {
      throw new SettingsError(['ready: the port is 0, so the address is unknown; give --admin-listen a port'])
    }
    const answer = await askAt(address, secure.has(address))
    const { ready, reason, remedy } = answer
    if (json) stdout.write(`${JSON.stringify(answer, null, 2)}\n`)
    else if (ready) stdout.write(`ready: ${reason}\n`)
    else throw new CommandError(`not ready: ${reason}`, remedy)
    return ready ? EXIT.ok : EXIT.failure
  }
}

const WAIT = 'look at its log, and at how busy its machine is'
const START_IT = 'start one there, or say where one runs with --listen or --admin-listen'

/**
 * Asks the proxy at an address. Its certificate is not verified, as by the probes of Kubernetes: it names the host that
 * clients use, and the question holds no secret.
 * @throws CommandError if none answers there
 */
async function askAt (address: ListenAddress, isSecure: boolean): Promise<Answer> {
  const reachable = 'path' in address ? address : { ...address, host: reachableHost(address.host) }
  const name = formatListenAddress(reachable, isSecure)
  const client = 'path' in address
    ? new Client('http://localhost', { socketPath: address.path })
    : new Client(name, { connect: { rejectUnauthorized: false } })
  return await request(client, name).finally(async () => { await client.destroy() })
}

/** Sends the question. @param name the address, for messages @throws CommandError if no proxy answers */
async function request (client: Client, name: string): Promise<Answer> {
  const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
  try {
    const { statusCode, body } = await client.request({ method: 'GET', path: READY_PATH, signal })
    return parseAnswer(await body.text(), `what answers at ${name} is not maas-auth-proxy (status ${statusCode})`)
  } catch (error) {
    if (error instanceof CommandError) throw error
    const { name: kind, message } = error as Error
    if (kind === 'TimeoutError') {
      throw new CommandError(`the proxy at ${name} has not answered within ${ANSWER_TIMEOUT_MS / 1000} s`, WAIT)
    }
    throw new CommandError(`no proxy answers at ${name} (${message})`, START_IT)
  }
}

function parseAnswer (text: string, problem: string): Answer {
  try {
    const answer = JSON.parse(text) as Partial<Answer> | null
    if (typeof answer?.ready === 'boolean') return answer as Answer
  } catch {
    // Whatever else it is, it is no answer of the page.
  }
  throw new CommandError(problem, START_IT)
}
