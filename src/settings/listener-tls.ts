import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { type ListenerTls, secureOptionsOf } from '../listen/secure-server.ts'
import { belongsTo } from './certificates.ts'
import { type ListenerReports, problemAbout, warnAbout } from './listener-reports.ts'
import type { Lookup, SettingInput } from './setting-input.ts'
import type { Values } from './table.ts'
import { quote } from './values.ts'

/**
 * Reads the certificate and the key of a listener, and the CAs of its clients.
 * @param lookup finds the inputs of the listener
 * @param values what the files have; undefined for one that is not set or cannot be read
 * @param reports receive a problem for half a pair and for a key that does not fit, and a warning for a certificate
 *   that is not valid now
 * @returns null if the listener has no TLS, or there is a problem
 */
export function readListenerTls (
  lookup: Lookup, values: Partial<Pick<Values, 'tlsCertFile' | 'tlsKeyFile' | 'clientCaFile'>>,
  reports: ListenerReports
): ListenerTls | null {
  const [certInput, keyInput, caInput] = [lookup('tlsCertFile'), lookup('tlsKeyFile'), lookup('clientCaFile')]
  if (certInput === undefined && keyInput === undefined) {
    if (caInput === undefined) return null
    const remedy = 'clients show certificates by TLS only; give --tls-cert-file and --tls-key-file as well'
    problemAbout(caInput, `${quoted(caInput)}: ${remedy}`, reports)
    return null
  }
  if (certInput === undefined || keyInput === undefined) {
    const given = (certInput ?? keyInput) as SettingInput
    const missing = certInput === undefined ? '--tls-cert-file' : '--tls-key-file'
    problemAbout(given, `${quoted(given)}: needs ${missing} as well; give both, or neither`, reports)
    return null
  }
  const { tlsCertFile: cert, tlsKeyFile: key } = values
  if (cert === undefined || key === undefined) return null
  const tls = { cert, key, clientCa: values.clientCaFile ?? null }
  const [first] = cert as [string]
  if (!belongsTo(key, first)) {
    const reason = `is not the key of the first certificate in ${quoted(certInput)}, or needs a passphrase`
    problemAbout(keyInput, `${quoted(keyInput)}: ${reason}, which cannot be given`, reports)
    return null
  }
  try {
    createSecureContext(secureOptionsOf(tls))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    problemAbout(certInput, `${quoted(certInput)}: TLS cannot use it (${code}); make a stronger one`, reports)
    return null
  }
  const { validFromDate, validToDate } = new X509Certificate(first)
  const now = Date.now()
  const isOver = validToDate.getTime() < now
  if (isOver || validFromDate.getTime() > now) {
    const when = isOver ? `ended at ${validToDate.toISOString()}` : `begins at ${validFromDate.toISOString()} only`
    warnAbout(certInput, `${quoted(certInput)}: the certificate ${when}; clients will refuse it`, reports)
  }
  return tls
}

function quoted ({ texts }: SettingInput): string {
  return quote(texts[0] as string)
}
