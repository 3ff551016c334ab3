import { repr } from './python.ts'

/** An answer. Its headers are added to those that every answer has. */
export class Answer {
  readonly status: number
  readonly type: string
  readonly body: string | Buffer
  readonly headers: Record<string, string | string[]>

  constructor (status: number, type: string, body: string | Buffer, headers: Record<string, string | string[]> = {}) {
    this.status = status
    this.type = type
    this.body = body
    this.headers = headers
  }
}

/**
 * An answer that MAAS raises as an exception (maasserver/middleware.py, ExceptionMiddleware): it rolls the transaction
 * back and has neither the API hash nor `Vary: Authorization`. Any other error becomes a 500.
 */
export class ApiException extends Error {
  readonly answer: Answer

  constructor (answer: Answer) {
    super('raised')
    this.answer = answer
  }
}

/** The content type of JSON answers other than `describe/`. */
export const JSON_TYPE = 'application/json; charset=utf-8'
const TEXT_TYPE = 'text/plain; charset=utf-8'
const HTML_TYPE = 'text/html; charset=utf-8'

/** Creates a plain text answer, as of a Django view. */
export function text (status: number, body: string, headers: Record<string, string> = {}): Answer {
  return new Answer(status, TEXT_TYPE, body, headers)
}

/** Creates an answer with the default content type of Django's HttpResponse. */
export function html (status: number, body: string | Buffer, headers: Record<string, string | string[]> = {}): Answer {
  return new Answer(status, HTML_TYPE, body, headers)
}

/** piston's ready-made answers (piston3/utils.py, rc): text/plain without a charset. */
export const rc = {
  forbidden: new Answer(401, 'text/plain', 'Forbidden'),
  badRequest: new Answer(400, 'text/plain', 'Bad Request'),
  deleted: new Answer(204, 'text/plain', '')
}

/** Creates the exception of a MAAS handler, such as MAASAPIBadRequest, NodesNotAvailable or PermissionDenied. */
export function apiException (status: number, body: string): ApiException {
  return new ApiException(text(status, body))
}

/** Creates the exception of Django's `get_object_or_404` (row "GET one machine, signed, not there"). */
export function notFound (model: string): ApiException {
  return apiException(404, `No ${model} matches the given query.`)
}

/** Creates the answer to an invalid form: the errors of each field. */
export function invalidForm (errors: Record<string, string>): ApiException {
  const lists = Object.fromEntries(Object.entries(errors).map(([field, message]) => [field, [message]]))
  return new ApiException(new Answer(400, JSON_TYPE, JSON.stringify(lists)))
}

/**
 * Creates the answer to an invalid signature (maasserver/api/auth.py, OAuthUnauthorized). It has Python's repr of the
 * message; for an invalid consumer, MAAS has a text of its own.
 */
export function unauthorized (message: string): ApiException {
  const detail = message === 'Invalid consumer.' ? 'Invalid API key.' : repr(message)
  return new ApiException(html(401, `Authorization Error: ${detail}`, { 'WWW-Authenticate': 'OAuth realm="OAuth"' }))
}

/** Creates an error page of nginx. */
export function nginxPage (status: number, reason: string, headers: Record<string, string> = {}): Answer {
  const page = `<html>\r\n<head><title>${status} ${reason}</title></head>\r\n<body>\r\n` +
    `<center><h1>${status} ${reason}</h1></center>\r\n<hr><center>${NGINX}</center>\r\n</body>\r\n</html>\r\n`
  return new Answer(status, 'text/html', page, headers)
}

/** The field `Server` of the observed MAAS 3.4. */
export const NGINX = 'nginx/1.22.1'
