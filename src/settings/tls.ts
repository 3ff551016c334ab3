import { isThisMachine } from '../maas/maas-url.ts'
import { belongsTo } from './certificates.ts'
import type { EgressProxy } from '../http/egress-proxy.ts'
import type { Values } from './table.ts'
import type { SettingsReport } from './report.ts'

/** The settings of the way to MAAS. */
export type TlsValues = Pick<Values, 'maasUrl' | 'caFile' | 'insecureSkipTlsVerify' | 'clientCertFile' | 'clientKeyFile'>

/**
 * Checks that the key goes nowhere in the clear, or to anyone, without a word.
 * @param egress the proxy that MAAS is reached through, if there is one
 * @param report receives the messages
 */
export function checkTls ({ maasUrl, caFile, insecureSkipTlsVerify, clientCertFile, clientKeyFile }: TlsValues, egress: EgressProxy | null, report: SettingsReport): void {
  const isPair = clientCertFile !== undefined && clientKeyFile !== undefined
  if (!isPair && clientCertFile !== clientKeyFile) report.problem('--client-cert-file and --client-key-file: go together; give both')
  if (isPair && !belongsTo(clientKeyFile, clientCertFile[0] as string)) report.problem('--client-key-file: is not the key of the first certificate in --client-cert-file, or needs a passphrase, which cannot be given')
  if (insecureSkipTlsVerify) report.warn('--insecure-skip-tls-verify: the certificate of MAAS is not looked at, so the API key goes to whoever answers there; use --ca-file instead')
  if (maasUrl === undefined || maasUrl.origin.startsWith('https:')) return
  const isForMaas = egress?.origin.startsWith('https:') !== true // otherwise the CA may be that of the egress proxy
  if ((isForMaas && caFile !== undefined) || clientCertFile !== undefined || insecureSkipTlsVerify) {
    report.problem('MAAS_URL: starts with http, so the settings for TLS have no effect; write https, or leave them out')
  }
  if (!isThisMachine(maasUrl)) report.warn(`MAAS_URL: ${maasUrl.href} is neither https nor this machine: the API key, which is all-powerful, crosses the network in the clear with every request${egress === null ? '' : `, and the egress proxy ${egress.origin} can read it`}`)
}
