import { Answer, html, json } from './answers.ts'
import { parseForm } from './body.ts'
import { describe, openapi } from './describe.ts'
import { dispatch, unknownEndpoint } from './dispatch.ts'
import type { QueryDict } from './fields.ts'
import { quote } from './python.ts'
import type { Request } from './request.ts'
import { API, route } from './routes.ts'
import { authenticate, csrfPage, failsCsrf, login } from './session.ts'
import type { Store } from './store.ts'

type View = (request: Request, store: Store) => Answer | Promise<Answer>

/** The views that are not API resources and need no authentication (maasserver/urls.py, webapp.py). */
const views: Record<string, View> = {
  '/MAAS/api/version/': () => new Answer(200, 'text/plain', '2.0'),
  '/MAAS/ws': () => new Answer(400, null, '', {
    headers: { 'Content-Length': '0', 'Sec-Websocket-Version': '13' }, isBare: true
  }),
  [`${API}describe/`]: describe,
  [`${API}openapi.yaml`]: openapi,
  '/MAAS/accounts/login/': async (request, store) => {
    request.trace.readsSession = true
    if (request.method !== 'POST') return json(200, LOGIN_STATE, 'application/json')
    return login(await readForm(request), store)
  },
  '/MAAS/accounts/authenticate/': async (request, store) => {
    if (request.method !== 'POST') return html(405, '', { Allow: 'POST' })
    return authenticate(await readForm(request), store)
  }
}

/** Paths of views that need a login, and of those that the stand-in does not have. */
const OTHER_PATHS = [
  '/MAAS/api/', '/MAAS/api/docs/', '/MAAS/account/csrf/', '/MAAS/accounts/logout/', '/MAAS/metadata/'
]

/** What the UI asks before it shows its login form. */
const LOGIN_STATE = { authenticated: false, external_auth_url: null, no_users: false }

async function readForm ({ headers, body }: Request): Promise<QueryDict> {
  return (await parseForm(headers['content-type'] ?? '', body)).form
}

/** Answers a request by the view of its path, in the order of MAAS's middleware. */
export function view (request: Request, store: Store): Answer | Promise<Answer> {
  const { method, headers, target: { path, rawPath, search } } = request
  const found = Object.hasOwn(views, path) ? views[path] : undefined
  const isApi = path.startsWith(API) || path.startsWith('/MAAS/api/1.0/')
  if (found === undefined && !isApi) {
    if (store.release.appendsSlash && isKnown(`${path}/`)) return html(301, '', { Location: `${rawPath}/` })
    request.trace.readsSession = true
    const next = quote(search === '' ? rawPath : `${rawPath}?${search}`, '~')
    return html(302, '', { Location: `/MAAS/?next=${next}` })
  }
  if (failsCsrf(method, headers) && path !== '/MAAS/accounts/authenticate/') return csrfPage(request, store)
  if (found !== undefined) return found(request, store)
  if (!path.startsWith(API)) {
    return new Answer(410, 'text/plain', 'The 1.0 API is no longer available. Please use API version 2.0.')
  }
  const match = route(path, store)
  return match === null ? unknownEndpoint(path) : dispatch(request, match, store)
}

function isKnown (path: string): boolean {
  return Object.hasOwn(views, path) || path === API || OTHER_PATHS.includes(path)
}
