import { VIA } from '../http/via.ts'
import { findHint } from '../maas/hints.ts'
import type { Signer } from '../maas/sign.ts'
import { explainFailure } from './failures.ts'
import type { Upstream } from './upstream.ts'
import { checkMoved } from './moved.ts'

/** The version of MAAS (`api/version.py`). */
interface MaasVersion {
  version: string
  subversion: string
  capabilities: readonly string[]
}

/** The user that an API key belongs to (`api/users.py`, `whoami`). */
export interface MaasUser {
  username: string
  isAdmin: boolean
}

/** Why a probe failed. */
interface Refusal {
  /** the status of MAAS's answer; null if there was no answer */
  status: number | null
  reason: string
  remedy: string
}

/** The result of a probe. */
export type ProbeResult<T> = { ok: true, value: T } | { ok: false, refusal: Refusal }

/** The MAAS that is asked. */
export type ProbeTarget = Pick<Upstream, 'origin' | 'probes' | 'clock'>

const VERSION_PATH = '/MAAS/api/2.0/version/'
const USER_PATH = '/MAAS/api/2.0/users/?op=whoami'

/** The remedy for an error of MAAS that says nothing: its web server answers, even while its database is down. */
const DATABASE = 'MAAS answers, but its database may not: look into the log of MAAS and of PostgreSQL'

/** The remedy for an answer that is not of the kind that MAAS gives. */
const OTHER_SERVER = 'check that MAAS_URL leads to MAAS, and look into the log of MAAS'

/** Maximum size of an answer. MAAS's own have a few hundred bytes. */
const MAX_BYTES = 64 * 1024

/**
 * Asks MAAS for its version, unsigned.
 * @param timeoutMs for the whole probe
 */
export async function askVersion (upstream: ProbeTarget, timeoutMs: number): Promise<ProbeResult<MaasVersion>> {
  return await ask({ upstream, path: VERSION_PATH, sign: null, timeoutMs }, body => {
    const { version, subversion, capabilities } = body
    if (typeof version !== 'string') return undefined
    const names = Array.isArray(capabilities) ? capabilities.map(String) : []
    return { version, subversion: String(subversion), capabilities: names }
  })
}

/**
 * Asks MAAS whose key it is, signed. It asks again if MAAS refuses the timestamp, because that answer corrects the
 * clock.
 * @param timeoutMs for the whole probe
 */
export async function askUser (
  upstream: ProbeTarget, sign: Signer, timeoutMs: number
): Promise<ProbeResult<MaasUser>> {
  return await ask({ upstream, path: USER_PATH, sign, timeoutMs }, ({ username, is_superuser: isAdmin }) => (
    typeof username !== 'string' ? undefined : { username, isAdmin: isAdmin === true }
  ))
}

interface Probe {
  upstream: ProbeTarget
  path: string
  /** null for an unsigned request */
  sign: Signer | null
  timeoutMs: number
}

/** @param read converts the JSON object that MAAS answers; undefined if the object is not from MAAS */
async function ask<T> (
  { upstream, path, sign, timeoutMs }: Probe, read: (body: Record<string, unknown>) => T | undefined
): Promise<ProbeResult<T>> {
  const { origin, probes, clock } = upstream
  const signal = AbortSignal.timeout(timeoutMs)
  const attempt = async () => {
    const headers = { via: VIA, ...sign === null ? {} : { authorization: sign() } }
    const { statusCode: status, headers: fields, body } = await probes.request({ method: 'GET', path, headers, signal })
    clock.learnFromDate(String(fields['date']))
    return { status, fields, text: await readText(body) }
  }
  try {
    const first = await until(signal, attempt())
    const isRefusedForTime = first.status === 401 && clock.learnFromRefusal(first.text)
    const { status, fields, text } = isRefusedForTime ? await until(signal, attempt()) : first
    const { location, 'www-authenticate': challenge } = fields
    if (typeof location === 'string' && URL.canParse(location)) checkMoved(location, origin)
    const value = status === 200 ? read(parseObject(text)) : undefined
    if (value !== undefined) return { ok: true, value }
    const access = sign === null ? 'anonymous' : 'signed'
    const answer = { status, access, challenge: String(challenge), body: text } as const
    const hint = findHint({ ...answer, retryAfter: null, allow: null, request: null, isAdmin: null, version: null })
    const remedy = hint ?? (status >= 500 ? DATABASE : OTHER_SERVER)
    return { ok: false, refusal: { status, reason: `MAAS answers ${status} to ${path}`, remedy } }
  } catch (error) {
    return { ok: false, refusal: explainError(error as Error, path, timeoutMs) }
  }
}

/** Waits for an attempt at most until a signal comes. undici itself does not heed one while it connects. */
async function until<T> (signal: AbortSignal, attempt: Promise<T>): Promise<T> {
  const { promise: timeout, reject } = Promise.withResolvers<never>()
  signal.addEventListener('abort', () => { reject(signal.reason as Error) })
  return await Promise.race([attempt, timeout])
}

/** Explains why there was no answer. A probe has a timeout of its own, so --response-timeout is no remedy. */
function explainError (error: Error, path: string, timeoutMs: number): Refusal {
  const { code, message, remedy } = explainFailure(error)
  if (code !== 'MAAS_PROXY_RESPONSE_TIMED_OUT') return { status: null, reason: message, remedy }
  const reason = `MAAS has not answered ${path} within ${timeoutMs / 1000} s`
  return { status: null, reason, remedy: 'look into what keeps MAAS busy, and into its log' }
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
