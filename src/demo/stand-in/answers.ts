import { dumps, repr } from './python.ts'
import type { Json } from './python.ts'

/** What an answer has besides status, type and body. */
interface AnswerOptions {
  /** added to the headers that every answer has */
  headers?: Record<string, string | string[]>
  /** a reason phrase other than the usual one */
  reason?: string | undefined
  /** whether the answer comes from Twisted, below Django: without its headers, and chunked unless it says otherwise */
  isBare?: boolean
}

/** An answer. */
export class Answer {
  readonly status: number
  /** null for an answer without a body */
  readonly type: string | null
  readonly body: string | Buffer
  readonly headers: Record<string, string | string[]>
  readonly reason: string | undefined
  readonly isBare: boolean

  constructor (status: number, type: string | null, body: string | Buffer, options: AnswerOptions = {}) {
    const { headers = {}, reason, isBare = false } = options
    this.status = status
    this.type = type
    this.body = body
    this.headers = headers
    this.reason = reason
    this.isBare = isBare
  }

  /** Returns the same answer with more headers. */
  with (headers: Record<string, string | string[]>): Answer {
    const { status, type, body, reason, isBare } = this
    return new Answer(status, type, body, { headers: { ...this.headers, ...headers }, reason, isBare })
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

/** Django's Http404 in a handler: piston makes an ordinary answer of it, so that nothing is rolled back. */
export class NotFound extends Error {
  readonly answer: Answer

  constructor (model: string) {
    super('not found')
    this.answer = new Answer(404, 'text/plain', `No ${model} matches the given query.`)
  }
}

/** The content type of JSON answers other than `describe/`. */
export const JSON_TYPE = 'application/json; charset=utf-8'
const TEXT_TYPE = 'text/plain; charset=utf-8'
const HTML_TYPE = 'text/html; charset=utf-8'

/** Creates a plain text answer, as of a Django view. */
export function text (status: number, body: string): Answer {
  return new Answer(status, TEXT_TYPE, body)
}

/** Creates an answer with the default content type of Django's HttpResponse. */
export function html (status: number, body: string | Buffer, headers: Record<string, string | string[]> = {}): Answer {
  return new Answer(status, HTML_TYPE, body, { headers })
}

/** Creates a JSON answer with the separators of `json.dumps`. */
export function json (status: number, value: Json, type = JSON_TYPE): Answer {
  return new Answer(status, type, dumps(value))
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

/** Creates the exception of Django's `get_object_or_404`. */
export function notFound (model: string): NotFound {
  return new NotFound(model)
}

/** Creates the answer to an invalid form: the errors of each field. */
export function invalidForm (errors: Record<string, string>): ApiException {
  return new ApiException(json(400,
    Object.fromEntries(Object.entries(errors).map(([field, error]) => [field, [error]]))))
}

/**
 * Creates the answer to an invalid signature (maasserver/api/auth.py, OAuthUnauthorized). It has Python's repr of the
 * message; for an invalid consumer, MAAS has a text of its own.
 */
export function unauthorized (message: string): ApiException {
  const detail = message === 'Invalid consumer.' ? 'Invalid API key.' : repr(message)
  return new ApiException(html(401, `Authorization Error: ${detail}`, { 'WWW-Authenticate': 'OAuth realm="OAuth"' }))
}

/**
 * Creates the answer to a conflict that MAAS has tried again for some time (maasserver/utils/views.py,
 * WebApplicationHandler). The stand-in does not wait.
 */
export function conflict (): ApiException {
  const page = `<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" \
"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">
  <head>
    <title>Error: Conflict Error</title>
  </head>
  <body>
    <h2 class="p-heading--four">
      Conflict error. Try your request again, as it will most likely succeed.
    </h2>
  </body>
</html>
`
  return new ApiException(new Answer(409, HTML_TYPE, page, { headers: { 'Retry-After': '5' }, isBare: true }))
}

/** The field `Server` of the observed MAAS. */
export const NGINX = 'nginx/1.22.1'

/**
 * Creates an error page of nginx.
 * @param title the title of the page, if it is not status and reason
 */
export function nginxPage (
  status: number, reason: string, headers: Record<string, string> = {}, title = reason
): Answer {
  const detail = title === reason ? '' : `<center>${title}</center>\r\n`
  const page = `<html>\r\n<head><title>${status} ${title}</title></head>\r\n<body>\r\n` +
    `<center><h1>${status} ${reason}</h1></center>\r\n${detail}<hr><center>${NGINX}</center>\r\n</body>\r\n</html>\r\n`
  return new Answer(status, 'text/html', page, { headers, reason })
}
