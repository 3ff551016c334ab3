import type { FastifyRequest } from 'fastify'
import { stripControls } from '../text/strip-controls.ts'
import type { MaasAuthProxyOptions } from './options.ts'

/** Maximum length of a name in records, in UTF-16 code units. */
const MAX_NAME_LENGTH = 256

/**
 * Creates the function that names the user of a request. Names go into records, where they have no control characters.
 * @param name the option `client`
 * @returns a function that throws a TypeError for anything but a name or null, so that nobody passes without the name
 *   that was meant
 */
export function hostClient (
  name: NonNullable<MaasAuthProxyOptions['client']>
): (request: FastifyRequest) => string | null {
  return request => {
    const found: unknown = name(request)
    if (found === null) return null
    if (typeof found === 'string' && found !== '') return stripControls(found).slice(0, MAX_NAME_LENGTH)
    const kind = found === '' ? 'an empty text' : found instanceof Promise ? 'a Promise' : typeof found
    throw new TypeError(`the option client of maas-auth-proxy returned ${kind}; it returns a name or null`)
  }
}
