import type { Readiness } from '../observe/health.ts'
import type { Key } from './key-ring.ts'

/** The readiness of a proxy that stops. */
export const STOPPING: Readiness = {
  ready: false,
  reason: 'the proxy is shutting down',
  remedy: 'send requests to another one, or again once it is back'
}

/** Asks for the readiness of all keys; the first key that is not ready decides. @param keys at least one */
export async function askReadiness (keys: ReadonlyArray<Pick<Key, 'health'>>): Promise<Readiness> {
  const verdicts = await Promise.all(keys.map(async ({ health }) => await health.ask()))
  return verdicts.find(({ ready }) => !ready) ?? verdicts[0] as Readiness
}
