/** Scheme and host of this machine in a URL: any name of loopback, or the wildcard address. */
const LOCAL_HOST = /^https?:\/\/(?:localhost|127(?:\.\d+){3}|\[::1?\]|0\.0\.0\.0)(?=:|$)/

/**
 * Whether an origin leads to an address of this proxy, by any name of loopback, with TLS or without.
 * @param origin scheme, host and port
 * @param address an address that the proxy listens on, as a URL or `unix:PATH`
 */
export function isSameAddress (origin: string, address: string): boolean {
  const normalize = (url: string) => url.replace(LOCAL_HOST, 'localhost')
  return normalize(origin) === normalize(address)
}
