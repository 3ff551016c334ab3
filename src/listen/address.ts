import { isIPv4 } from 'node:net'

/** Where to listen: on a TCP address, or on a unix socket. */
export type ListenAddress = TcpAddress | UnixAddress

export interface TcpAddress extends Inheritable {
  host: string
  /** 0 asks the system for a free one */
  port: number
}

export interface UnixAddress extends Inheritable {
  /** absolute */
  path: string
}

interface Inheritable {
  /** the descriptor of the socket, where it was passed to this process and listens already */
  fd?: number
}

/** Whether only this machine can reach an address. */
export function isLoopback (address: ListenAddress): boolean {
  return 'path' in address || address.host === '::1' || (isIPv4(address.host) && address.host.startsWith('127.'))
}

/** Shows an address: as a URL, or as `unix:PATH`. */
export function formatListenAddress (address: ListenAddress): string {
  return 'path' in address ? `unix:${address.path}` : `http://${bracket(address.host)}:${address.port}`
}

/** An address that means all of a machine, by the one that reaches it from there; any other as it is. */
export function reachedBy (host: string): string {
  return host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
}

/** A host as it stands in a URL or in `Host`. */
export function bracket (host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** A host as sockets want it, of one as it stands in a URL. */
export function withoutBrackets (host: string): string {
  return host.replace(/^\[|\]$/g, '')
}
