import { VIA } from '../http/via.ts'
import { findHint } from '../maas/hints.ts'
import type { Signer } from '../maas/sign.ts'
import { explainFailure } from './failures.ts'
import type { Upstream } from './upstream.ts'
import { checkMoved } from './moved.ts'

/** What MAAS says of itself to anyone (`api/version.py`). */
export interface MaasVersion {
  version: string
  subversion: string
  capabilities: readonly string[]
}

/** Whose key it is (`api/users.py`, `whoami`). */
export interface MaasUser {
  username: string
  isAdmin: boolean
}

/** Why a question got no answer that could be used. */
export interface Refusal {
  /** the status that came instead; null where nothing came */
  status: number | null
  reason: string
  remedy: string
}

/** What answers a question: the answer, or why there is none. */
export type ProbeResult<T> = { ok: true, value: T } | { ok: false, refusal: Refusal }

const VERSION_PATH = '/MAAS/api/2.0/version/'
const USER_PATH = '/MAAS/api/2.0/users/?op=whoami'

/** Answers to these questions have some hundred bytes; more is not from MAAS. */
const MAX_BYTES = 64 * 1024

/** Asks for the version, unsigned. @param timeoutMs for the whole */
export async function askVersion (upstream: Upstream, timeoutMs: number): Promise<ProbeResult<MaasVersion>> {
  return await ask(upstream, VERSION_PATH, null, timeoutMs, ({ version, subversion, capabilities }) => (
    typeof version !== 'string' ? undefined : { version, subversion: String(subversion), capabilities: Array.isArray(capabilities) ? capabilities.map(String) : [] }
  ))
}

/**
 * Asks whose key it is, signed; once more if it was refused for its timestamp, which MAAS's answer has set right.
 * @param timeoutMs for each attempt
 */
export async function askUser (upstream: Upstream, sign: Signer, timeoutMs: number): Promise<ProbeResult<MaasUser>> {
  return await ask(upstream, USER_PATH, sign, timeoutMs, ({ username, is_superuser: isAdmin }) => (
    typeof username !== 'string' ? undefined : { username, isAdmin: isAdmin === true }
  ))
}

async function ask<T> ({ origin, pool, clock }: Upstream, path: string, sign: Signer | null, timeoutMs: number, read: (body: Record<string, unknown>) => T | undefined): Promise<ProbeResult<T>> {
  const attempt = async () => {
    const headers = { via: VIA, ...sign === null ? {} : { authorization: sign() } }
    const { statusCode: status, headers: fields, body } = await pool.request({ method: 'GET', path, headers, signal: AbortSignal.timeout(timeoutMs) })
    clock.learnFromDate(String(fields['date']))
    return { status, fields, text: await readText(body) }
  }
  try {
    const first = await attempt()
    const { status, fields, text } = first.status === 401 && clock.learnFromRefusal(first.text) ? await attempt() : first
    const { location, 'www-authenticate': challenge } = fields
    if (typeof location === 'string' && URL.canParse(location)) checkMoved(location, origin)
    const value = status === 200 ? read(parseObject(text)) : undefined
    if (value !== undefined) return { ok: true, value }
    const hint = findHint({ status, access: sign === null ? 'anonymous' : 'signed', retryAfter: null, challenge: String(challenge), body: text })
    return { ok: false, refusal: { status, reason: `MAAS answers ${status} to ${path}`, remedy: hint ?? 'check that MAAS_URL leads to MAAS, and look into the log of MAAS' } }
  } catch (error) {
    const { code, message, remedy } = explainFailure(error as Error)
    const isLate = code === 'MAAS_PROXY_RESPONSE_TIMED_OUT' // it had less time than a request of a client has
    return { ok: false, refusal: { status: null, reason: isLate ? `MAAS has not answered ${path} within ${timeoutMs / 1000} s` : message, remedy: isLate ? 'look into what keeps MAAS busy, and into its log' : remedy } }
  }
}

async function readText (body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > MAX_BYTES) break
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function parseObject (text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>
  } catch {
    return {}
  }
}
