import type { HintAnswer, HintRequest, HintRoute, HintRow } from './hint-row.ts'

/** Maximum length of a path in a hint, which is a header field. */
const MAX_PATH = 200

const UNKNOWN_PATH = 'Unknown API endpoint'

/** The hints on paths, methods, operations and sizes. Texts of bodies: `api/not_found.py`, `api/support.py`, nginx. */
export const PATH_HINTS: readonly HintRow[] = [
  {
    status: 400,
    text: 'Unrecognised signature',
    access: 'anonymous',
    hint: 'sent unsigned, and MAAS offers this operation to signed requests only'
  },
  {
    status: 400,
    text: 'Unrecognised signature',
    request: ({ op, body }) => op === null && body === 'json',
    hint: 'MAAS takes op from the query or from a form, never from JSON: write it as PATH?op=NAME'
  },
  {
    status: 400,
    text: 'Unrecognised signature',
    request: ({ route }) => route !== null && route.methodsOfOp.length > 0,
    hint: ({ op, method, route }) => `MAAS has op=${op} at this path with ${route?.methodsOfOp.join()}, not ${method}`
  },
  {
    status: 400,
    text: 'Unrecognised signature',
    hint: 'MAAS has no such operation: check the method, the path and op'
  },
  {
    status: 404,
    text: UNKNOWN_PATH,
    request: ({ route }, { version }) => version !== null && route !== null && isBeyond(version, route),
    hint: ({ route }, { version }) => `${rangeOf(route)}; this one is ${version?.slice(0, 20)}`
  },
  {
    status: 404,
    text: UNKNOWN_PATH,
    request: ({ isOpInPath }) => isOpInPath,
    hint: 'MAAS has no operation of that name at this path: check the path and its ending op-NAME'
  },
  {
    status: 404,
    text: UNKNOWN_PATH,
    request: ({ rawPath, route }) => route?.template.endsWith('/') === true && !rawPath.endsWith('/'),
    hint: ({ rawPath }) => `paths of MAAS end in a slash: ${shorten(`${rawPath}/`)}`
  },
  {
    status: 404,
    text: UNKNOWN_PATH,
    request: ({ rawPath, route }) => route?.template.endsWith('/') === false && rawPath.endsWith('/'),
    hint: ({ rawPath }) => `this path of MAAS ends without a slash: ${shorten(rawPath.replace(/\/+$/, ''))}`
  },
  {
    status: 404,
    text: UNKNOWN_PATH,
    request: ({ route }) => rangeOf(route) !== '',
    hint: ({ route }) => `${rangeOf(route)}; GET /MAAS/api/2.0/version/ says which one this is`
  },
  {
    status: 404,
    text: UNKNOWN_PATH,
    request: ({ route }) => route === null,
    hint: 'no MAAS from 3.4 on has such a path: maas-auth-proxy policy list shows those that there are'
  },
  {
    status: 405,
    request: (request, answer) => methodsOf(request, answer) !== '',
    hint: (request, answer) => `this path of MAAS has the methods ${methodsOf(request, answer)}`
  },
  { status: 410, text: '1.0 API', hint: 'this MAAS has API 2.0 only: use /MAAS/api/2.0/' },
  { status: 410, hint: 'removed in MAAS 4.0: it has no virtual machine hosts (KVM) any more' },
  {
    status: 413,
    request: ({ route }) => route?.template.startsWith('files/') === true,
    hint: 'the nginx of MAAS accepts requests of up to 10 MB, so a file that MAAS keeps has to be smaller'
  },
  {
    status: 413,
    request: ({ route }) => route?.template.startsWith('boot-resources/') === true,
    hint: 'the nginx of MAAS accepts requests of up to 10 MB: POST boot-resources/ with size and sha256, without ' +
      'content, then PUT pieces of 4 MB, in order, to the upload_uri of the answer'
  },
  { status: 413, hint: 'the nginx of MAAS accepts requests of up to 10 MB' }
]

/** The versions that have a route, in words; '' if all supported ones do. */
function rangeOf (route: HintRoute | null): string {
  if (route?.goneIn !== undefined) return `MAAS has this path before ${route.goneIn} only`
  return route?.since === undefined ? '' : `MAAS has this path since ${route.since}`
}

/** Whether a version of MAAS is known not to have a route. */
function isBeyond (version: string, { since, goneIn }: HintRoute): boolean {
  const number = numberOf(version)
  return (since !== undefined && number < numberOf(since)) || (goneIn !== undefined && number >= numberOf(goneIn))
}

/** A number that orders versions by their first two parts; NaN for another text. */
function numberOf (version: string): number {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? []
  return Number(major) * 1000 + Number(minor)
}

/** The methods of a path, as MAAS's answer lists them, otherwise as the route has them; '' if neither is known. */
function methodsOf ({ route }: HintRequest, { allow }: HintAnswer): string {
  if (allow !== null && /^[A-Z]+(?:, ?[A-Z]+)*$/.test(allow)) return allow
  return route?.methods.join(', ') ?? ''
}

function shorten (path: string): string {
  return path.length <= MAX_PATH ? path : `.../${path.slice(-MAX_PATH)}`
}
