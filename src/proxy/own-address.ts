/** Whether an origin is one of our own addresses, by any name that loopback has. */
export function isSameAddress (origin: string, address: string): boolean {
  const unified = (url: string) => url.replace(/^(http:\/\/)(?:localhost|127(?:\.\d+){3}|\[::1?\]|0\.0\.0\.0)(?=:|$)/, '$1localhost')
  return unified(origin) === unified(address)
}
