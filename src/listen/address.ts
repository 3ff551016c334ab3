import { isIPv4 } from 'node:net'

/** An address to listen on: a TCP address or a unix socket. */
export type ListenAddress = TcpAddress | UnixAddress

/** A TCP address. */
export interface TcpAddress extends SocketOrigin {
  /** an IP address or a host name, without brackets */
  host: string
  /** 0 asks the system for a free port */
  port: number
}

/** A unix socket. */
export interface UnixAddress extends SocketOrigin {
  /** an absolute path */
  path: string
}

interface SocketOrigin {
  /** the descriptor, if the socket was passed to this process and listens already */
  fd?: number
}

/** Whether only this machine can reach an address. */
export function isLoopback (address: ListenAddress): boolean {
  return 'path' in address || address.host === '::1' || (isIPv4(address.host) && address.host.startsWith('127.'))
}

/** Formats an address as a URL, or as `unix:PATH`. @param isSecure whether clients reach it by https */
export function formatListenAddress (address: ListenAddress, isSecure = false): string {
  if ('path' in address) return `unix:${address.path}`
  return `${isSecure ? 'https' : 'http'}://${bracket(address.host)}:${address.port}`
}

/**
 * Finds the host by which this machine reaches one of its own listeners.
 * @param host the host that the listener is bound to, without brackets
 * @returns the loopback address for a wildcard address; any other host unchanged
 */
export function reachableHost (host: string): string {
  return host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
}

/** A wildcard address as the host of a URL. */
const WILDCARD_HOST = /(?<=^https?:\/\/)(?:0\.0\.0\.0|\[::\])(?=:)/

/** Replaces the wildcard host of a formatted address by the loopback address, as {@link reachableHost}. */
export function reachableAddress (address: string): string {
  return address.replace(WILDCARD_HOST, host => bracket(reachableHost(withoutBrackets(host))))
}

/** Formats a host for a URL or for `Host`: an IPv6 address gets brackets. */
export function bracket (host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** Converts the host of a URL into the form that sockets take: an IPv6 address loses its brackets. */
export function withoutBrackets (host: string): string {
  return host.replace(/^\[|\]$/g, '')
}
