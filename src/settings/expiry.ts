import { quote } from './values.ts'

const DAY_MS = 24 * 3_600_000
const FORM = 'write a day as 2026-12-31, the last one on which it works (UTC), or a time as 2026-12-31T18:00:00Z'

/** Maximum lifetime in days. Access that is needed for longer gets no end at all. */
const MAX_DAYS = 3650

/**
 * Parses the end of a client's access: a day, whose end counts (UTC), or a time.
 * @throws Error if it is none, or is over
 */
export function parseExpiry (text: string): Date {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text)
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?Z$/.test(text)
  const date = isDay || isTime ? new Date(text) : null
  // The platform takes February 30 for March 2.
  if (date === null || Number.isNaN(date.getTime()) || !date.toISOString().startsWith(text.slice(0, 10))) {
    throw new Error(`${quote(text)} is not a date; ${FORM}`)
  }
  const expires = isDay ? new Date(date.getTime() + DAY_MS) : date
  if (expires.getTime() <= Date.now()) {
    throw new Error(`${quote(text)} is in the past; take the client out, or give it a later date`)
  }
  return expires
}

/**
 * Parses the end of a new client's access: as {@link parseExpiry}, or a number of days or hours from now, as `30d`.
 * @returns the end, without milliseconds
 */
export function parseLifetime (text: string): Date {
  const [, amount, unit] = /^(\d+)([dh])$/.exec(text) ?? []
  if (amount === undefined) {
    if (/^[\d-]+(?:T.*)?$/.test(text)) return parseExpiry(text)
    throw new Error(`${quote(text)} is not a time; write days as 30d, hours as 12h, or a date as 2026-12-31`)
  }
  const ms = Number(amount) * (unit === 'd' ? DAY_MS : DAY_MS / 24)
  if (ms === 0 || ms > MAX_DAYS * DAY_MS) throw new Error(`${quote(text)} is not between 1h and ${MAX_DAYS}d`)
  return new Date(Math.ceil((Date.now() + ms) / 1000) * 1000)
}

/** Formats the end of an access, so that {@link parseExpiry} reads the same: `2026-12-31T18:00:00Z`. */
export function formatExpiry (expires: Date): string {
  return expires.toISOString().replace(/\.\d+/, '')
}
