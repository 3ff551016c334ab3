import { Credential } from '../../forward/credential.ts'
import { createPool } from '../../upstream/pool.ts'
import { MaasClock } from '../../maas/clock.ts'
import { type Config, loadConfig } from '../../settings/load.ts'
import { checkConnection } from './check/connection.ts'
import { checkMaas } from './check/maas.ts'
import { EXIT_CODES, formatStep, type Step } from './check/step.ts'
import { type Command, EXIT } from '../command.ts'

/** How long MAAS may take for each answer; it is asked for little. */
const ANSWER_TIMEOUT_MS = 10_000

/** Goes the way of a request step by step, and says of each whether it is well, or what to do. */
export const check: Command = {
  help: 'try the way to MAAS step by step: name, TCP, TLS, version, whose key it is, clock, latency (--json)',
  json: true,
  async run ({ flags, json }, { env, stdout }) {
    const config = await loadConfig(flags, env)
    const steps: Step[] = []
    for (const warning of json ? [] : [...config.notices, ...config.warnings]) stdout.write(`note  ${warning}\n`)
    for await (const step of lookAt(config)) {
      steps.push(step)
      if (!json) stdout.write(formatStep(step))
    }
    const failure = steps.find(({ ok }) => !ok)
    if (json) stdout.write(`${JSON.stringify({ ok: failure === undefined, maasUrl: config.maasUrl.href, steps, notes: [...config.notices, ...config.warnings] }, null, 2)}\n`)
    return failure === undefined ? EXIT.ok : EXIT_CODES[failure.name]
  }
}

async function * lookAt (config: Config): AsyncGenerator<Step> {
  let well = true
  for await (const step of checkConnection(config)) {
    yield step
    well = step.ok
  }
  if (!well) return
  const upstream = { origin: config.maasUrl.origin, pool: createPool(config.maasUrl.origin, config), clock: new MaasClock(() => {}) }
  try {
    yield * checkMaas(upstream, config.keys.map(({ name, apiKey }) => ({ name, credential: new Credential(apiKey, upstream.clock) })), ANSWER_TIMEOUT_MS)
  } finally {
    await upstream.pool.destroy()
  }
}
