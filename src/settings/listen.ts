import type { ListenAddress, UnixAddress } from '../listen/address.ts'
import { readFileSync } from 'node:fs'
import { isIPv4, isIPv6 } from 'node:net'
import { resolve } from 'node:path'
import { quote } from './values.ts'

/** `sun_path` of unix(7) has 108 bytes with its ending NUL, but 104 on BSD and macOS: what works here should work there. */
const MAX_SOCKET_PATH = 103

/**
 * Reads `host:port`, `:port`, `port` or `unix:PATH`; without a host, and for `localhost`, the host is 127.0.0.1. An IPv6
 * address stands in brackets.
 */
export function parseListenAddress (text: string): ListenAddress {
  if (text.startsWith('unix:')) return parseUnixAddress(text.slice('unix:'.length))
  const [, bracketed, name, port] = /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]/\s]*)):)?(\d{1,5})$/.exec(text) ?? []
  if (port === undefined) throw new Error(`${quote(text)} is not an address to listen on; write host:port, :port, port or unix:PATH`)
  if (Number(port) > 65535) throw new Error(`port ${port} is not between 0 and 65535`)
  const host = bracketed ?? (name || 'localhost')
  if ((bracketed !== undefined && !isIPv6(bracketed)) || (/^[\d.]+$/.test(host) && !isIPv4(host))) throw new Error(`${quote(host)} is not an IP address`)
  return { host: host === 'localhost' ? '127.0.0.1' : host, port: Number(port) }
}

function parseUnixAddress (text: string): UnixAddress {
  const path = resolve(text)
  if (text === '' || text.includes('\0')) throw new Error(`${quote(text)} is not the path of a socket`)
  const length = Buffer.byteLength(path)
  if (length > MAX_SOCKET_PATH) throw new Error(`the path of the socket is ${length} bytes long, and this system takes at most ${MAX_SOCKET_PATH}; choose a shorter one`)
  return { path }
}

/** Reads the mode of a socket file: three octal digits, a zero before them or not. */
export function parseSocketMode (text: string): number {
  if (!/^0?[0-7]{3}$/.test(text)) throw new Error(`${quote(text)} is not a file mode; write three octal digits, as in 0660`)
  return Number.parseInt(text, 8)
}

/** Reads a group by number, or by its name in /etc/group. @returns the number */
export function parseGroup (text: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  const groups = readFileSync('/etc/group', 'utf8').split('\n').map(line => line.split(':'))
  const [, , number] = groups.find(([name]) => name === text) ?? []
  if (number === undefined) throw new Error(`there is no group ${quote(text)} in /etc/group; a number works for any`)
  return Number(number)
}
