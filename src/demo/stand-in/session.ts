import type { IncomingHttpHeaders } from 'node:http'

import { Answer, html, JSON_TYPE } from './answers.ts'
import type { Fields } from './fields.ts'
import type { User } from './model.ts'
import { dumps } from './python.ts'
import { randomText } from './random.ts'
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

/** Django's answer to a failed CSRF check. */
export const CSRF_PAGE = html(403, `
<!DOCTYPE html>
<html lang="en">
<head>
  <meta http-equiv="content-type" content="text/html; charset=utf-8">
  <meta name="robots" content="NONE,NOARCHIVE">
  <title>403 Forbidden</title>
</head>
<body>
<div id="summary">
  <h1>Forbidden <span>(403)</span></h1>
  <p>CSRF verification failed. Request aborted.</p>
</div>
</body>
</html>
`)

/** Answers `accounts/login/` (row "login (UI session), anonymous"). */
export function login (form: Fields, store: Store): Answer {
  const user = checkPassword(form, store)
  if (user === undefined) {
    const message = 'Please enter a correct username and password. Note that both fields may be case-sensitive.'
    return new Answer(400, JSON_TYPE, dumps({ __all__: [message] }))
  }
  const session = randomText(32)
  store.sessions.set(session, user)
  return html(204, '', {
    'Set-Cookie': [
      `csrftoken=${randomText(64)}; Max-Age=31449600; Path=/; SameSite=Lax`,
      `sessionid=${session}; HttpOnly; Max-Age=1209600; Path=/; SameSite=Lax`
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
