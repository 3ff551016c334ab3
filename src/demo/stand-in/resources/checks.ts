import { invalidForm } from '../answers.ts'
import { repr } from '../python.ts'
import type { Release } from '../release.ts'

const ARCHITECTURES = ['amd64/generic', 'arm64/generic']
const SERIES = ['focal', 'jammy', 'noble']

/** Returns the error of an architecture that MAAS has no image for; null if it has one. */
export function architectureError (architecture: string): string | null {
  if (ARCHITECTURES.includes(architecture)) return null
  return `${repr(architecture)} is not a valid architecture.  ` +
    `It should be one of: ${ARCHITECTURES.map(repr).join(', ')}.`
}

/** Returns the error of a MAC address; null if it is one. */
export function macError (mac: string): string | null {
  return /^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}$/i.test(mac) ? null : `${repr(mac)} is not a valid MAC address.`
}

/** Returns the error of a host name (maasserver/utils/dns.py, validate_hostname); null if it is one. */
export function hostnameError (hostname: string): string | null {
  if (hostname.length > 255) return 'Hostname is too long.  Maximum allowed is 255 characters.'
  const labels = hostname.split('.')
  if (labels[0]?.includes('_')) return `Host label cannot contain underscore: ${repr(labels[0])}.`
  for (const label of labels) {
    if (label === '') return 'DNS name contains an empty label.'
    if (label.length > 63) return `Name is too long: ${repr(label)}.  Maximum allowed is 63 characters.`
    if (/^-|-$/.test(label)) return `Label cannot start or end with hyphen: ${repr(label)}.`
    if (!/^[a-zA-Z0-9_-]*$/.test(label)) return `Label contains disallowed characters: ${repr(label)}.`
  }
  return null
}

/** @throws ApiException with a 400 if it is no host name */
export function checkHostname (hostname: string): string {
  const error = hostnameError(hostname)
  if (error !== null) throw invalidForm({ hostname: error })
  return hostname
}

/**
 * Returns the series to deploy, by default that of the version.
 * @throws ApiException with a 400 if MAAS does not have it
 */
export function checkSeries (asked: string | undefined, { defaultSeries }: Release): string {
  const series = (asked ?? '').replace(/^ubuntu\//, '') || defaultSeries
  if (SERIES.includes(series)) return series
  const valid = ['', ...SERIES.flatMap(name => [`ubuntu/${name}`, name])].map(repr).join(', ')
  throw invalidForm({ distro_series: `${repr(series)} is not a valid distro_series.  It should be one of: ${valid}.` })
}

/** @throws ApiException with a 400 if a tag cannot have this name */
export function checkTagName (name: string): string {
  if (!/^[a-zA-Z0-9_-]+$/.test(name)) throw invalidForm({ name: 'Enter a valid value.' })
  if (name.length > 256) {
    throw invalidForm({ name: `Ensure this value has at most 256 characters (it has ${name.length}).` })
  }
  return name
}
