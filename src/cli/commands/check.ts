import { Credential } from '../../forward/credential.ts'
import { MaasPool } from '../../upstream/pool.ts'
import { MaasClock } from '../../maas/clock.ts'
import { type Config, loadConfig } from '../../settings/load.ts'
import { checkConnection } from './check/connection.ts'
import { checkMaas } from './check/maas.ts'
import { EXIT_CODES, formatStep, type Step } from './check/step.ts'
import { type Command, EXIT } from '../command.ts'
import { paintFor } from '../../text/terminal.ts'

/** The time limit of each answer of MAAS; the answers are small. */
const ANSWER_TIMEOUT_MS = 10_000

/** Tries each step of a request, and says what to do about the first that fails. */
export const check: Command = {
  summary: 'find out step by step why MAAS cannot be reached',
  help: 'try the way to MAAS step by step: name, TCP, TLS, version (with --verbose its capabilities), ' +
    'whose key it is, clock, latency (--json)',
  examples: [
    ['check', 'with the settings of the environment'],
    ['check --profile admin --json', 'for a program']
  ],
  json: true,
  verbose: true,
  async run ({ flags, json, verbose }, { env, stdout }) {
    const paint = paintFor(stdout, env)
    const config = await loadConfig(flags, env)
    const steps: Step[] = []
    const notes = [...config.notices, ...config.warnings]
    for (const note of json ? [] : notes) stdout.write(`${paint('yellow', 'note')}  ${note}\n`)
    for await (const step of checkAll(config, verbose)) {
      steps.push(step)
      if (!json) stdout.write(formatStep(step, paint))
    }
    const failure = steps.find(({ ok }) => !ok)
    const result = { ok: failure === undefined, maasUrl: config.maasUrl.href, steps, notes }
    if (json) stdout.write(`${JSON.stringify(result, null, 2)}\n`)
    return failure === undefined ? EXIT.ok : EXIT_CODES[failure.name]
  }
}

async function * checkAll (config: Config, verbose: boolean): AsyncGenerator<Step> {
  let isConnected = true
  for await (const step of checkConnection(config)) {
    yield step
    isConnected = step.ok
  }
  if (!isConnected) return
  const { origin } = config.maasUrl
  const upstream = { origin, probes: new MaasPool(origin, config), clock: new MaasClock(() => {}) }
  const credentials = config.keys.map(({ name, apiKey }) => (
    { name, credential: new Credential(apiKey, upstream.clock) }
  ))
  try {
    yield * checkMaas(upstream, credentials, { timeoutMs: ANSWER_TIMEOUT_MS, verbose })
  } finally {
    await upstream.probes.destroy()
  }
}
