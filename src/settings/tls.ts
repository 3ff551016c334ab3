import { isThisMachine } from '../maas/maas-url.ts'
import { belongsTo } from './certificates.ts'
import type { EgressProxy } from '../http/egress-proxy.ts'
import type { SettingsReport } from './report.ts'
import type { Lookup } from './setting-input.ts'
import type { Values } from './table.ts'

/** The settings of TLS to MAAS. */
export type TlsValues = Pick<
  Values, 'maasUrl' | 'caFile' | 'insecureSkipTlsVerify' | 'clientCertFile' | 'clientKeyFile'
>

/**
 * Checks the settings of TLS.
 * @param egress the egress proxy in front of MAAS; null if there is none
 * @param lookup tells which settings are given, even if they cannot be read
 * @param report receives a problem for half a pair and for settings without effect, and a warning if the API key goes
 *   over the network in the clear or to an unverified server
 */
export function checkTls (
  values: TlsValues, egress: EgressProxy | null, lookup: Lookup, report: SettingsReport
): void {
  const { maasUrl, caFile, insecureSkipTlsVerify, clientCertFile, clientKeyFile } = values
  const isPair = clientCertFile !== undefined && clientKeyFile !== undefined
  if ((lookup('clientCertFile') === undefined) !== (lookup('clientKeyFile') === undefined)) {
    report.problem('--client-cert-file and --client-key-file: go together; give both')
  }
  if (isPair && !belongsTo(clientKeyFile, clientCertFile[0] as string)) {
    const reason = 'is not the key of the first certificate in --client-cert-file, or needs a passphrase'
    report.problem(`--client-key-file: ${reason}, which cannot be given`)
  }
  if (insecureSkipTlsVerify) {
    const risk = 'the certificate of MAAS is not verified, so the API key goes to whoever answers there'
    report.warn(`--insecure-skip-tls-verify: ${risk}; use --ca-file instead`)
  }
  if (maasUrl === undefined || maasUrl.origin.startsWith('https:')) return
  const isCaForEgress = egress?.origin.startsWith('https:') === true
  if ((caFile !== undefined && !isCaForEgress) || clientCertFile !== undefined || insecureSkipTlsVerify) {
    report.problem('MAAS_URL: starts with http, so the settings for TLS have no effect; write https, or leave them out')
  }
  if (isThisMachine(maasUrl)) return
  const risk = 'the API key, which is all-powerful, crosses the network in the clear with every request'
  const reader = egress === null ? '' : `, and the egress proxy ${egress.origin} can read it`
  report.warn(`MAAS_URL: ${maasUrl.href} is neither https nor this machine: ${risk}${reader}`)
}
