import { repr } from './python.ts'

/** What the client is to be told; the headers here come on top of those every answer carries. */
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
 * An answer that MAAS raises as an exception instead of returning it (maasserver/middleware.py, ExceptionMiddleware): the
 * transaction is rolled back, and neither the API hash nor `Vary: Authorization` is added. Any other error raised is a 500.
 */
export class Raised extends Error {
  readonly answer: Answer

  constructor (answer: Answer) {
    super('raised')
    this.answer = answer
  }
}

/** The type of JSON answers, save for `describe/`. */
export const JSON_TYPE = 'application/json; charset=utf-8'
const TEXT_TYPE = 'text/plain; charset=utf-8'
const HTML_TYPE = 'text/html; charset=utf-8'

/** A plain text answer of a Django view. */
export function text (status: number, body: string, headers: Record<string, string> = {}): Answer {
  return new Answer(status, TEXT_TYPE, body, headers)
}

/** What Django's HttpResponse is when nobody names a type. */
export function html (status: number, body: string | Buffer, headers: Record<string, string | string[]> = {}): Answer {
  return new Answer(status, HTML_TYPE, body, headers)
}

/** piston's ready-made answers (piston3/utils.py, rc): text/plain without a charset. */
export const rc = {
  forbidden: new Answer(401, 'text/plain', 'Forbidden'),
  badRequest: new Answer(400, 'text/plain', 'Bad Request'),
  deleted: new Answer(204, 'text/plain', '')
}

/** Raised by a MAAS handler: MAASAPIBadRequest, NodesNotAvailable, PermissionDenied ... */
export function raised (status: number, body: string): Raised {
  return new Raised(text(status, body))
}

/** Django's `get_object_or_404`, as row "GET one machine, signed, not there" words it. */
export function notFound (model: string): Raised {
  return raised(404, `No ${model} matches the given query.`)
}

/** A form that does not validate: each field with its complaints. */
export function invalidForm (errors: Record<string, string>): Raised {
  const lists = Object.fromEntries(Object.entries(errors).map(([field, message]) => [field, [message]]))
  return new Raised(new Answer(400, JSON_TYPE, JSON.stringify(lists)))
}

/**
 * A refused signature (maasserver/api/auth.py, OAuthUnauthorized): the message as Python's repr, save for "bad consumer", whose
 * piston wording MAAS replaces by a plain one.
 */
export function unauthorized (message: string): Raised {
  const detail = message === 'Invalid consumer.' ? 'Invalid API key.' : repr(message)
  return new Raised(html(401, `Authorization Error: ${detail}`, { 'WWW-Authenticate': 'OAuth realm="OAuth"' }))
}

/** One of nginx's own pages. */
export function nginxPage (status: number, reason: string, headers: Record<string, string> = {}): Answer {
  const page = `<html>\r\n<head><title>${status} ${reason}</title></head>\r\n<body>\r\n<center><h1>${status} ${reason}</h1></center>\r\n` +
    `<hr><center>${NGINX}</center>\r\n</body>\r\n</html>\r\n`
  return new Answer(status, 'text/html', page, headers)
}

/** The version that MAAS 3.4 was observed with. */
export const NGINX = 'nginx/1.22.1'
