import type { Upstream } from '../../../upstream/upstream.ts'
import { askUser, askVersion, type ProbeResult } from '../../../upstream/probe.ts'
import type { Credential } from '../../../forward/credential.ts'
import { NOTABLE_OFFSET } from '../../../maas/clock.ts'
import { failed, passed, type Step } from './step.ts'

/** A key by the name of where it comes from. */
export interface NamedCredential {
  name: string
  credential: Credential
}

/** Looks at what MAAS says: who it is, whose the keys are, what time it has, and how fast it says so. */
export async function * checkMaas (upstream: Upstream, credentials: readonly NamedCredential[], timeoutMs: number): AsyncGenerator<Step> {
  const version = await timed(async () => await askVersion(upstream, timeoutMs))
  yield describe('version', version.answer, ({ version, subversion, capabilities }) => `MAAS ${version}${subversion === '' ? '' : ` (${subversion})`}, capabilities: ${capabilities.join(', ') || 'none'}`)
  if (!version.answer.ok) return

  for (const { name, credential } of credentials) {
    yield describe('user', await askUser(upstream, credential.signing.sign, timeoutMs), ({ username, isAdmin }) => `the key of ${name} is that of ${username}, ${isAdmin ? 'an administrator' : 'who is no administrator'}`)
  }
  yield describeClock(upstream.clock.offsetSeconds)
  const again = await timed(async () => await askVersion(upstream, timeoutMs))
  yield passed('latency', `${version.ms} ms for the first answer, ${again.ms} ms on an open connection`)
}

function describe<T> (name: Step['name'], answer: ProbeResult<T>, tell: (value: T) => string): Step {
  return answer.ok ? passed(name, tell(answer.value)) : failed(name, answer.refusal.reason, answer.refusal.remedy)
}

/** Not a failure, since signatures follow the clock of MAAS. */
function describeClock (offset: number): Step {
  const direction = offset === 0 ? 'that of MAAS is the same' : `that of MAAS is ${Math.abs(offset)} s ${offset > 0 ? 'ahead' : 'behind'}`
  return passed('clock', direction, Math.abs(offset) > NOTABLE_OFFSET ? 'signatures follow the clock of MAAS, but one of the two is wrong: set it right' : null)
}

async function timed<T> (ask: () => Promise<T>): Promise<{ answer: T, ms: number }> {
  const startedAt = performance.now()
  const answer = await ask()
  return { answer, ms: Math.round(performance.now() - startedAt) }
}
