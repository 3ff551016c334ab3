import { Answer, ApiException, text } from './answers.ts'
import { isBrokenMultipart } from './body.ts'
import type { Request } from './request.ts'
import { newCsrfCookie, obsoleteCookies } from './session.ts'
import type { Store } from './store.ts'
import { view } from './views.ts'

/** Twisted's answer to a form without a boundary. */
const brokenMultipart = new Answer(400, null, '', { isBare: true })

/** Answers a request as the region behind nginx does, with the headers of Django's middleware. */
export async function answerAsRegion (request: Request, store: Store): Promise<Answer> {
  const { method, headers, trace } = request
  if (isBrokenMultipart(method, headers['content-type'] ?? '')) return brokenMultipart
  const answer = await inTransaction(request, store)
  if (answer.isBare) return answer
  const cookies = [...obsoleteCookies(headers, store), ...newCsrfCookie(headers, store)]
  const variesByCookie = (trace.readsSession || cookies.length > 0) && answer.headers['Vary'] === undefined
  return answer.with({
    // Redirects come from middleware outside of XFrameOptionsMiddleware.
    ...answer.headers['Location'] === undefined ? { 'X-Frame-Options': 'DENY' } : {},
    ...variesByCookie ? { Vary: 'Cookie' } : {},
    ...cookies.length > 0 ? { 'Set-Cookie': cookies.concat(answer.headers['Set-Cookie'] ?? []) } : {}
  })
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
