import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { isWritableByOthers, quote, readJsonFile } from './values.ts'

/** The public keys that verify tokens of workloads, or the address that has them: a JWK Set (RFC 7517 §5). */
export type WorkloadKeys = { readonly url: string } | { readonly keys: readonly JsonWebKey[] }

/** The least length of a key of RSA, in bits (RFC 7518 §3.3). */
const MIN_RSA_BITS = 2048

const CURVES = ['prime256v1', 'secp384r1', 'secp521r1']

/** Whether a text is an address of keys, in place of a file. */
export function isAddress (text: string): boolean {
  return /^[a-z][a-z\d+.-]*:\/\//i.test(text)
}

/** Reads a file of keys, or parses the address of one. @throws Error if it has no key that verifies tokens */
export function readWorkloadKeys (text: string): WorkloadKeys {
  if (!isAddress(text)) return { keys: readKeyFile(text) }
  const url = URL.canParse(text) ? new URL(text) : null
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '' || url.hash !== '') {
    throw new Error(`${quote(text)}: is not an https address; keys that anyone could exchange verify nothing`)
  }
  return { url: url.href }
}

/**
 * Parses the value that a claim of a token must have.
 * @throws Error if it has spaces, or is empty, which would accept every token
 */
export function parseClaim (text: string): string {
  if (/^\S+$/.test(text)) return text
  throw new Error(`${quote(text)}: is empty or has spaces; write the text that tokens have`)
}

function readKeyFile (path: string): JsonWebKey[] {
  const set = readJsonFile(path)
  if (isWritableByOthers(path)) {
    throw new Error(`${quote(path)}: other users may write it, and add keys of their own; chmod go-w it`)
  }
  const keys = keysOf(set)
  if (keys === null) throw new Error(`${quote(path)}: is not a set of keys (JWKS): {"keys": [...]}`)
  keys.forEach((key, i) => {
    if (key.d === undefined && key['k'] === undefined) return
    throw new Error(`${quote(path)}: key ${i + 1} is secret; write the public keys only`)
  })
  const usable = keys.filter(verifies)
  if (usable.length > 0) return usable
  const kinds = `of RSA, of ${MIN_RSA_BITS} bits or more, EC or Ed25519`
  throw new Error(`${quote(path)}: has no key that verifies tokens: ${kinds}`)
}

function keysOf (set: unknown): JsonWebKey[] | null {
  const keys: unknown = typeof set === 'object' && set !== null && 'keys' in set ? set.keys : null
  if (!Array.isArray(keys)) return null
  return keys.every(key => typeof key === 'object' && key !== null) ? keys : null
}

/** Whether a key verifies signatures of tokens. Others are passed over, as RFC 7517 §5 says. */
function verifies (key: JsonWebKey): boolean {
  if (key['use'] !== undefined && key['use'] !== 'sig') return false
  try {
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = createPublicKey({ key, format: 'jwk' })
    if (type === 'rsa') return Number(details?.modulusLength) >= MIN_RSA_BITS
    return type === 'ed25519' || CURVES.includes(String(details?.namedCurve))
  } catch {
    return false
  }
}
