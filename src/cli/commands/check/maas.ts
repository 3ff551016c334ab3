import { askUser, askVersion, type ProbeResult, type ProbeTarget } from '../../../upstream/probe.ts'
import type { Credential } from '../../../forward/credential.ts'
import { describeOffset, NOTABLE_OFFSET } from '../../../maas/clock.ts'
import { failed, passed, type Step } from './step.ts'

/** A key with the name of its source. */
export interface NamedCredential {
  name: string
  credential: Credential
}

interface MaasCheckOptions {
  /** for each answer */
  timeoutMs: number
  /** whether to name the capabilities of MAAS */
  verbose: boolean
}

/** Asks MAAS for its version, the users of the keys, its time, and its latency. */
export async function * checkMaas (
  upstream: ProbeTarget, credentials: readonly NamedCredential[], { timeoutMs, verbose }: MaasCheckOptions
): AsyncGenerator<Step> {
  const version = await timed(async () => await askVersion(upstream, timeoutMs))
  yield describe('version', version.answer, ({ version, subversion, capabilities }) => {
    const name = `MAAS ${version}${subversion === '' ? '' : ` (${subversion})`}`
    return verbose ? `${name}, capabilities: ${capabilities.join(', ') || 'none'}` : name
  })
  if (!version.answer.ok) return

  for (const { name, credential } of credentials) {
    const user = await askUser(upstream, credential.signing.sign, timeoutMs)
    yield describe('user', user, ({ username, isAdmin }) => (
      `the key of ${name} is that of ${username}, ${isAdmin ? 'an administrator' : 'who is no administrator'}`
    ))
  }
  yield describeClock(upstream.clock.offsetSeconds)
  const again = await timed(async () => await askVersion(upstream, timeoutMs))
  yield passed('latency', `${version.ms} ms for the first answer, ${again.ms} ms on an open connection`)
}

function describe<T> (name: Step['name'], answer: ProbeResult<T>, tell: (value: T) => string): Step {
  return answer.ok ? passed(name, tell(answer.value)) : failed(name, answer.refusal.reason, answer.refusal.remedy)
}

/** A difference is not a failure, because signatures use the time of MAAS. */
function describeClock (offset: number): Step {
  const remedy = 'signatures follow the clock of MAAS, but one of the two is wrong: set it right'
  return passed('clock', `that of MAAS is ${describeOffset(offset)}`, Math.abs(offset) > NOTABLE_OFFSET ? remedy : null)
}

async function timed<T> (ask: () => Promise<T>): Promise<{ answer: T, ms: number }> {
  const startedAt = performance.now()
  const answer = await ask()
  return { answer, ms: Math.round(performance.now() - startedAt) }
}
