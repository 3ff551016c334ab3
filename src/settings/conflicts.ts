import { formatListenAddress, type ListenAddress } from '../listen/address.ts'
import type { ListenerWithKey } from './listener-config.ts'
import type { SettingsReport } from './report.ts'
import type { Lookup } from './setting-input.ts'
import type { Values } from './table.ts'

type IdleExitValues = Pick<Values, 'idleExitMs' | 'shutdownDelayMs'>

/** Checks that an idle exit loses no client: systemd has to hold the sockets, and the exit must not wait. */
export function checkIdleExit (
  { idleExitMs, shutdownDelayMs }: IdleExitValues, listeners: readonly ListenerWithKey[], report: SettingsReport
): void {
  if (idleExitMs === undefined) return
  if (shutdownDelayMs !== undefined) {
    report.problem('--idle-exit and --shutdown-delay: an idle proxy has no clients that need a delay; leave one out')
  }
  if (listeners.some(({ address }) => address.fd === undefined)) {
    const remedy = 'it is for a proxy that systemd starts by a socket unit (LISTEN_FDS)'
    report.problem(`--idle-exit: nothing would start the proxy again when a client comes; ${remedy}`)
  }
}

/** Checks that reads wait at all, since only those that wait share a request. @param program the inputs */
export function checkSharing (
  { shareReads }: Pick<Values, 'shareReads'>, program: Lookup, report: SettingsReport
): void {
  if (!shareReads || program('maxMaasRequests') !== undefined) return
  const remedy = 'give --max-maas-requests too, such as 2: the fewer, the more reads share'
  report.problem(`--share-reads: only reads that wait for their turn share a request; ${remedy}`)
}

/** Checks that no two listeners have one address. Port 0 is a different port each time. */
export function checkAddresses (addresses: readonly ListenAddress[], report: SettingsReport): void {
  const texts = addresses
    .filter(address => 'path' in address || address.port !== 0)
    .map(address => formatListenAddress(address))
  for (const text of texts.filter((text, i) => texts.indexOf(text) !== i)) {
    report.problem(`--listen: ${text} is given twice; every listener needs an address of its own`)
  }
}
