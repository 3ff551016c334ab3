import { Answer, ApiException, html, text } from './answers.ts'
import { parseForm } from './body.ts'
import { describe, openapi } from './describe.ts'
import { dispatch, unknownEndpoint } from './dispatch.ts'
import type { QueryDict } from './fields.ts'
import { quote } from './python.ts'
import type { Request } from './request.ts'
import { API, route } from './routes.ts'
import { authenticate, CSRF_PAGE, failsCsrf, login } from './session.ts'
import type { Store } from './store.ts'

type View = (request: Request, store: Store) => Answer | Promise<Answer>

/** The views that are not API resources and need no authentication (maasserver/urls.py). */
const views: Record<string, View> = {
  '/MAAS/api/version/': () => new Answer(200, 'text/plain', '2.0'),
  [`${API}describe/`]: describe,
  [`${API}openapi.yaml`]: openapi,
  '/MAAS/accounts/login/': async (request, store) => login(await readForm(request), store),
  '/MAAS/accounts/authenticate/': async (request, store) => authenticate(await readForm(request), store)
}

async function readForm ({ headers, body }: Request): Promise<QueryDict> {
  return (await parseForm(headers['content-type'] ?? '', body)).form
}

/** Answers a request as the region behind nginx does, with the headers of Django's middleware. */
export async function answerAsRegion (request: Request, store: Store): Promise<Answer> {
  const { status, type, body, headers } = await inTransaction(request, store)
  return new Answer(status, type, body, { Vary: 'Cookie', 'X-Frame-Options': 'DENY', ...headers })
}

/** Forgets the nonce if an error is raised, as the rollback does (row "... then the same nonce with the right one"). */
async function inTransaction (request: Request, store: Store): Promise<Answer> {
  try {
    return await view(request, store)
  } catch (error) {
    if (request.trace.nonce !== null) store.nonces.delete(request.trace.nonce)
    // ExceptionMiddleware answers any other exception with a 500 and its text.
    return error instanceof ApiException ? error.answer : text(500, (error as Error).message)
  }
}

function view (request: Request, store: Store): Answer | Promise<Answer> {
  const { method, headers, target: { path, rawPath, search } } = request
  const found = Object.hasOwn(views, path) ? views[path] : undefined
  const isApi = path.startsWith(API) || path.startsWith('/MAAS/api/1.0/')
  if (found === undefined && !isApi) {
    const next = quote(search === '' ? rawPath : `${rawPath}?${search}`)
    return html(302, '', { Location: `/MAAS/?next=${next}` })
  }
  if (failsCsrf(method, headers) && path !== '/MAAS/accounts/authenticate/') return CSRF_PAGE
  if (found !== undefined) return found(request, store)
  if (!path.startsWith(API)) return text(410, 'The 1.0 API is no longer available. Please use API version 2.0.')
  const match = route(path)
  return match === null ? unknownEndpoint(path) : dispatch(request, match, store)
}
