import { reachableAddress } from '../listen/address.ts'
import type { Logger } from '../observe/log/logger.ts'
import type { RunningProxy } from '../proxy/running-proxy.ts'
import { formatFacts, type ListenerFacts, titleOf } from '../respond/facts.ts'
import type { Paint } from '../text/terminal.ts'

/**
 * Prints what listens, for which MAAS and user, what the rules allow, and a line to copy. A log for programs has this
 * in its records.
 */
export async function printOverview (proxy: RunningProxy, logger: Logger, paint: Paint): Promise<void> {
  if (logger.print === null || !logger.isLevelEnabled('info')) return
  const listeners = await proxy.facts()
  const title = listeners.slice(0, 1).map(facts => `  ${paint('bold', titleOf(facts))}\n\n`)
  const { adminAddress } = proxy
  const operators = adminAddress === null
    ? ''
    : `  for operators: ${paint('cyan', `${reachableAddress(adminAddress)}/`)}\n\n`
  logger.print(`\n${title.join('')}${listeners.map(facts => overviewOf(facts, paint)).join('')}${operators}`)
}

function overviewOf (facts: ListenerFacts, paint: Paint): string {
  const lines = facts.examples.slice(0, 1).map(({ text }) => `\n  ${paint('cyan', text)}\n`)
  return `${formatFacts(facts, paint, '  ')}${lines.join('')}\n`
}
