import { readFileSync } from 'node:fs'

/** Where to listen. */
export interface ListenAddress {
  host: string
  /** 0 asks the system for a free one */
  port: number
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const MAX_DURATION_MS = 24 * 3_600_000

/** Reads `500ms`, `10s`, `15m` or `1h` into milliseconds, up to a day. */
export function parseDuration (text: string): number {
  const [, amount, unit] = /^(\d+)(ms|s|m|h)$/.exec(text) ?? []
  if (amount === undefined || unit === undefined) throw new Error(`${quote(text)} is not a time; write a whole number and a unit: 500ms, 10s, 15m or 1h`)
  const milliseconds = Number(amount) * (UNITS_MS[unit] as number)
  if (milliseconds < 1 || milliseconds > MAX_DURATION_MS) throw new Error(`${quote(text)} is not between 1ms and 24h`)
  return milliseconds
}

/** Makes a reader for one of a few words. */
export function oneOf<const Word extends string> (words: readonly Word[]): (text: string) => Word {
  return text => {
    const word = words.find(word => word === text)
    if (word === undefined) throw new Error(`${quote(text)} is not one of ${words.join(', ')}`)
    return word
  }
}

/**
 * Reads `host:port`, `:port` or `port`; without a host, and for `localhost`, the host is 127.0.0.1. An IPv6 address
 * stands in brackets.
 */
export function parseListenAddress (text: string): ListenAddress {
  const [, bracketed, name, port] = /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]/\s]*)):)?(\d{1,5})$/.exec(text) ?? []
  if (port === undefined) throw new Error(`${quote(text)} is not an address to listen on; write host:port, :port or port`)
  if (Number(port) > 65535) throw new Error(`port ${port} is not between 0 and 65535`)
  const host = bracketed ?? (name || 'localhost')
  if (!isLoopback(host)) throw new Error(`${quote(host)} is not a loopback address: whoever reaches it would have the whole power of the API key`)
  return { host: host === 'localhost' ? '127.0.0.1' : host, port: Number(port) }
}

/** Shows an address as a URL. */
export function formatListenAddress ({ host, port }: ListenAddress): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Reads the content of a file that a setting names. @throws Error that names the file and says what to do */
export function readSettingFile (path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const reason = { ENOENT: 'there is no such file', EACCES: 'this user may not read it', EISDIR: 'it is a directory' }[String(code)] ?? `it cannot be read (${code})`
    throw new Error(`${quote(path)}: ${reason}`)
  }
}

/** Shows a text in a message: in quotes, control characters escaped, not longer than a line. */
export function quote (text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text)
}

function isLoopback (host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)
}
