import type { IncomingHttpHeaders } from 'node:http'

import { Answer, html, json } from './answers.ts'
import { CSRF_HTML } from './csrf-page.ts'
import type { Fields } from './fields.ts'
import type { User } from './model.ts'
import { dumps } from './python.ts'
import { randomText } from './random.ts'
import type { Request } from './request.ts'
import { createToken } from './store.ts'
import type { Store } from './store.ts'

/** Returns the user of the UI session in the cookie; undefined if there is none. */
export function sessionUser (headers: IncomingHttpHeaders, store: Store): User | undefined {
  return store.sessions.get(cookie(headers, 'sessionid') ?? '')
}

const SAFE = ['GET', 'HEAD', 'OPTIONS', 'TRACE']

/**
 * Whether a request fails the CSRF check (maasserver/middleware.py, CSRFHelperMiddleware), which applies to writes with
 * a `sessionid` cookie, even an unknown one.
 */
export function failsCsrf (method: string, headers: IncomingHttpHeaders): boolean {
  if (SAFE.includes(method) || cookie(headers, 'sessionid') === undefined) return false
  const token = cookie(headers, 'csrftoken')
  return token === undefined || token !== headers['x-csrftoken']
}

/** Returns Django's answer to a failed CSRF check. */
export function csrfPage ({ trace }: Request, { release }: Store): Answer {
  trace.readsSession = true
  return new Answer(403, release.csrfPageType, CSRF_HTML)
}

/** Returns the cookie that removes an unknown session (Django's SessionMiddleware). */
export function obsoleteCookies (headers: IncomingHttpHeaders, store: Store): string[] {
  const isUnknown = cookie(headers, 'sessionid') !== undefined && sessionUser(headers, store) === undefined
  return isUnknown ? ['sessionid=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax'] : []
}

/** Returns the cookie that replaces a malformed CSRF token (Django's CsrfViewMiddleware, since 4.0). */
export function newCsrfCookie (headers: IncomingHttpHeaders, { release, now }: Store): string[] {
  const token = cookie(headers, 'csrftoken')
  const isWrong = token !== undefined && !/^(?:[A-Za-z0-9]{32}){1,2}$/.test(token)
  // With a session cookie, the CSRF check is what the request fails at.
  if (!release.replacesCsrfToken || !isWrong || cookie(headers, 'sessionid') !== undefined) return []
  return [csrfCookie(release.csrfTokenLength, now())]
}

function csrfCookie (length: number, now: number): string {
  return `csrftoken=${randomText(length)}; ${lifetime(now, CSRF_SECONDS)}; Path=/; SameSite=Lax`
}

const CSRF_SECONDS = 31_449_600
const SESSION_SECONDS = 1_209_600

/** Returns the attributes of a cookie that lives for some seconds. @param between what Django writes between them */
function lifetime (now: number, seconds: number, between = ''): string {
  return `expires=${new Date((now + seconds) * 1000).toUTCString()}; ${between}Max-Age=${seconds}`
}

/** Answers `accounts/login/` (row "login (UI session), anonymous"). */
export function login (form: Fields, store: Store): Answer {
  const user = checkPassword(form, store)
  if (user === undefined) {
    const message = 'Please enter a correct username and password. Note that both fields may be case-sensitive.'
    return json(400, { __all__: [message] }, 'application/json')
  }
  const session = randomText(32).toLowerCase()
  store.sessions.set(session, user)
  const now = store.now()
  return html(204, '', {
    'Set-Cookie': [
      csrfCookie(store.release.csrfTokenLength, now),
      `sessionid=${session}; ${lifetime(now, SESSION_SECONDS, 'HttpOnly; ')}; Path=/; SameSite=Lax`
    ]
  })
}

/** Answers `accounts/authenticate/` with a new API key (row "accounts/authenticate without login"). */
export function authenticate (form: Fields, store: Store): Answer {
  const user = checkPassword(form, store)
  if (user === undefined) return html(403, '')
  const { name, key, secret, consumer } = createToken(store, user, form.get('consumer'))
  const values = { name, token_key: key, token_secret: secret, consumer_key: consumer }
  return new Answer(200, 'application/json', dumps(values))
}

function checkPassword (form: Fields, store: Store): User | undefined {
  const user = store.users.get(form.get('username') ?? '')
  return user?.password === form.get('password') ? user : undefined
}

function cookie (headers: IncomingHttpHeaders, name: string): string | undefined {
  const pairs = (headers.cookie ?? '').split(';').map(pair => pair.trim().split('=', 2) as [string, string?])
  return pairs.find(([key]) => key === name)?.[1]
}
