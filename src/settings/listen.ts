import type { ListenAddress, UnixAddress } from '../listen/address.ts'
import { readFileSync } from 'node:fs'
import { isIPv4, isIPv6 } from 'node:net'
import { resolve } from 'node:path'
import { quote } from './values.ts'

/**
 * The longest path of a unix socket, in bytes. `sun_path` (unix(7)) has 108 with its NUL on Linux, but 104 on BSD and
 * macOS: a path that works here should work there.
 */
const MAX_SOCKET_PATH = 103

const MAX_PORT = 65535

/** The port of suggestions: that of the default address. */
const DEFAULT_PORT = 5241

/**
 * Parses `host:port`, `:port`, `port` or `unix:PATH`. Without a host, and for `localhost`, the host is 127.0.0.1. An
 * IPv6 address stands in brackets.
 * @throws Error that says what is wrong
 */
export function parseListenAddress (text: string): ListenAddress {
  if (text.startsWith('unix:')) return parseUnixAddress(text.slice('unix:'.length))
  const [, bracketed, name, port] = /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]/\s]*)):)?(\d{1,5})$/.exec(text) ?? []
  if (port === undefined) {
    const meant = addressMeantBy(text)
    const advice = meant === undefined ? 'write host:port, :port, port or unix:PATH' : `did you mean ${quote(meant)}?`
    throw new Error(`${quote(text)} is not an address to listen on; ${advice}`)
  }
  if (Number(port) > MAX_PORT) throw new Error(`port ${port} is not between 0 and ${MAX_PORT}`)
  const host = bracketed ?? (name || 'localhost')
  if (host === '*') throw new Error(`"*" is not a host; to listen on all addresses, write "0.0.0.0:${port}"`)
  const isWrongIPv6 = bracketed !== undefined && !isIPv6(bracketed)
  if (isWrongIPv6 || (/^[\d.]+$/.test(host) && !isIPv4(host))) throw new Error(`${quote(host)} is not an IP address`)
  return { host: host === 'localhost' ? '127.0.0.1' : host, port: Number(port) }
}

/** The address that was meant by a text that is none; undefined if that cannot be seen. */
function addressMeantBy (text: string): string | undefined {
  if (/^~?\.{0,2}\/./.test(text)) return `unix:${text.replace(/^~/, '$HOME')}`
  const [, origin] = /^\w+:\/\/([^/@\s]+)\/?$/.exec(text) ?? []
  if (origin !== undefined) return origin
  const [, address, port] = /^([\da-f:]*::[\da-f]*):(\d+)$/i.exec(text) ?? []
  if (address !== undefined && isIPv6(address)) return `[${address}]:${port}`
  if (isIPv6(text)) return `[${text}]:${DEFAULT_PORT}`
  return isIPv4(text) || text === 'localhost' ? `${text}:${DEFAULT_PORT}` : undefined
}

function parseUnixAddress (text: string): UnixAddress {
  const path = resolve(text)
  if (text === '' || text.includes('\0')) throw new Error(`${quote(text)} is not the path of a socket`)
  const length = Buffer.byteLength(path)
  if (length > MAX_SOCKET_PATH) {
    throw new Error(`the path of the socket is ${length} bytes long, over ${MAX_SOCKET_PATH}; choose a shorter one`)
  }
  return { path }
}

/**
 * Parses the mode of a socket file: three octal digits, with or without a zero before them.
 * @throws Error if it is none
 */
export function parseSocketMode (text: string): number {
  if (!/^0?[0-7]{3}$/.test(text)) {
    throw new Error(`${quote(text)} is not a file mode; write three octal digits, as in 0660`)
  }
  return Number.parseInt(text, 8)
}

/**
 * Parses a group: a number, or a name in /etc/group.
 * @returns the number of the group
 * @throws Error if /etc/group does not have the name
 */
export function parseGroup (text: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  const groups = readFileSync('/etc/group', 'utf8').split('\n').map(line => line.split(':'))
  const [, , number] = groups.find(([name]) => name === text) ?? []
  if (number === undefined) throw new Error(`there is no group ${quote(text)} in /etc/group; a number works for any`)
  return Number(number)
}
