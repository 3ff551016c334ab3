import { Answer, apiException, html, JSON_TYPE, NotFound, rc, text } from './answers.ts'
import { loadData, parseForm } from './body.ts'
import { apiHash } from './describe.ts'
import { QueryDict } from './fields.ts'
import { ANONYMOUS } from './model.ts'
import type { User } from './model.ts'
import { looksLikeOAuth, verify } from './oauth.ts'
import type { Json } from './python.ts'
import type { Request } from './request.ts'
import type { Call, Handler, Operation, Resource } from './resource.ts'
import type { Match } from './routes.ts'
import { sessionUser } from './session.ts'
import type { Store } from './store.ts'

/**
 * Answers a request to a resource (piston3/resource.py, Resource.__call__; maasserver/api/support.py,
 * OperationsResource).
 * @throws ApiException where MAAS raises an answer, and another Error where MAAS fails with a 500
 */
export async function dispatch (request: Request, match: Match, store: Store): Promise<Answer> {
  const { resource, args, op: pathOp } = match
  const { method, query, body, trace } = request
  const contentType = request.headers['content-type'] ?? ''
  const hasForm = method === 'POST' || method === 'PUT'
  const { form, files } = hasForm ? await parseForm(contentType, body) : { form: new QueryDict([]), files: [] }
  trace.op = query.get('op') || form.get('op') || pathOp
  const who = authenticate(request, resource, form, store)
  trace.user = who?.user.username ?? null

  const returned = (answer: Answer) => withApiHeaders(answer, resource, store)
  const { methods } = store.release
  const handler = chooseHandler(resource, method, who !== null, methods)
  if (handler === null) return returned(rc.forbidden)
  const data = hasForm ? loadData(contentType, form, body) : form
  if (data === null) return returned(rc.badRequest)
  const allowed = allowedMethods(handler, methods)
  if (!allowed.includes(method)) return returned(html(405, '', { Allow: allowed.join(', ') }))
  refuseOAuthParameters(query, form)

  const operation = handler.operations[trace.op === null ? method : `${method} ${trace.op}`]
  // Rows "unknown op ...", "wrong op, signed", "GET machines, anonymous".
  if (operation === undefined) {
    throw apiException(400, `Unrecognised signature: method=${method} op=${trace.op ?? 'None'}`)
  }
  const { user, bySession } = who ?? { user: ANONYMOUS, bySession: false }
  const call: Call = { store, query, data, form, args, user, bySession, files, body }
  return returned(run(operation, call))
}

/** Runs an operation. What is not found is an answer like any other. */
function run (operation: Operation, call: Call): Answer {
  try {
    return emit(operation.run(call), call.query)
  } catch (error) {
    if (error instanceof NotFound) return error.answer
    throw error
  }
}

/** Authenticates by UI session, else by signature (MAASAPIAuthentication). A wrong signature raises an error. */
function authenticate (
  request: Request, { auth }: Resource, form: QueryDict, store: Store
): { user: User, bySession: boolean } | null {
  if (auth === null) return null
  request.trace.readsSession = true
  const user = sessionUser(request.headers, store)
  if (user !== undefined) return { user, bySession: true }
  return looksLikeOAuth(request, form) ? { user: verify(request, form, store).user, bySession: false } : null
}

/** Chooses the handler as Resource.authenticate does: the anonymous one by method alone, whatever the op. */
function chooseHandler (
  { auth, anon }: Resource, method: string, authenticated: boolean, methods: readonly string[]
): Handler | null {
  if (authenticated || auth === null) return auth ?? anon
  return anon !== null && allowedMethods(anon, methods).includes(method) ? anon : null
}

function allowedMethods ({ operations }: Handler, methods: readonly string[]): string[] {
  return methods.filter(method => Object.keys(operations).some(signature => signature.split(' ')[0] === method))
}

/** Fails as piston does (piston3/resource.py, cleanup_request), which deletes from a dict while it iterates over it. */
function refuseOAuthParameters (...places: QueryDict[]): void {
  if (places.some(place => place.names().some(name => name.startsWith('oauth_')))) {
    throw new Error('dictionary changed size during iteration')
  }
}

/**
 * Formats a result as piston's emitter does: after the operation, even if the format is wrong; `callback` means JSONP.
 */
function emit (result: Answer | Json, query: QueryDict): Answer {
  const format = query.get('format') ?? 'json'
  if (format !== 'json') return new Answer(400, 'text/plain', `Invalid output format specified '${format}'.`)
  if (result instanceof Answer) return result
  const json = JSON.stringify(result, null, 4)
  const callback = query.get('callback')
  return new Answer(200, JSON_TYPE, callback ? `${callback}(${json})` : json)
}

/**
 * Adds the headers of answers that are returned rather than raised. A resource that ignores authentication does not
 * look at the session.
 */
function withApiHeaders (answer: Answer, { auth }: Resource, { release }: Store): Answer {
  const vary = auth === null ? 'Authorization' : 'Authorization, Cookie'
  return answer.with({ Vary: vary, 'X-Maas-Api-Hash': apiHash(release) })
}

/**
 * Answers a path without a resource (maasserver/urls_api.py; rows "unknown path under the API", "no trailing slash").
 */
export function unknownEndpoint (path: string): Answer {
  return text(404, `Unknown API endpoint: ${path}.`)
}
