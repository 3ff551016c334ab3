import t, { type Test } from 'tap'
import { fastify } from 'fastify'
import type { Client, ClientIdentifier } from '../../src/admit/clients.ts'
import { admit } from '../../src/admit/plugin.ts'
import { createRuleset } from '../../src/admit/ruleset.ts'
import { exchanges } from '../../src/exchange/plugin.ts'
import { errorAnswers } from '../../src/respond/errors.ts'
import { loadConfig } from '../../src/settings/load.ts'
import { ProxyError } from '../../src/errors.ts'

const NEITHER = 'the request has neither a certificate nor a token of a known client'

const client = (name: string): Client => ({ name, policy: null, expires: null })
/** An identifier that knows what a field of the request says, at once or later. */
const byField = (field: string, isLate: boolean): ClientIdentifier => ({
  remedy: `send a ${field}`,
  identify ({ headers }) {
    const { [field]: value } = headers
    const answer = () => {
      if (value === 'wrong') throw new ProxyError('MAAS_PROXY_CLIENT_UNKNOWN', { message: `wrong ${field}` })
      return value === undefined ? null : client(String(value))
    }
    return isLate && value !== undefined ? Promise.resolve().then(answer) : answer()
  }
})

/** A server that admits requests with these identifiers, and answers with the client's name. */
async function serve (t: Test, identifiers: readonly ClientIdentifier[]) {
  const { listeners: [listener] } = await loadConfig({ maasUrl: ['http://localhost/MAAS'] }, { MAAS_API_KEY: 'a:b:c' })
  if (listener === undefined) throw new Error('no listener')
  const app = fastify()
  t.after(async () => { await app.close() })
  const logOf = () => app.log
  await app.register(exchanges, { observers: [] })
  await app.register(errorAnswers, { isEmbedded: false, logOf })
  const ruleset = { ...createRuleset(listener, { clientBodyTimeoutMs: 1000, ownClient: null }), identifiers }
  await app.register(admit, { ruleset: () => ruleset, hostClient: null, ownPages: new Set(['/page']), openPaths: ['/open'] })
  app.get('/*', request => String(request.exchange.client))
  return async (headers: Record<string, string> = {}, path = '/MAAS/api/2.0/machines/') => {
    const answer = await app.inject({ url: path, headers })
    return answer.statusCode === 200 ? answer.body : `${answer.statusCode} ${answer.json().error.message}`
  }
}

t.test("all of a listener's identifiers are asked, and those that find a client agree", async t => {
  const orders: Array<[identifiers: ClientIdentifier[], why: string]> = [
    [[byField('card', false), byField('token', false)], 'both answer at once'],
    [[byField('card', true), byField('token', false)], 'the first takes time'],
    [[byField('card', false), byField('token', true)], 'the second takes time'],
    [[byField('card', true), byField('token', true)], 'both take time'],
    [[{ remedy: '', identify: async () => null }, byField('card', false), byField('token', true)], 'one that takes time finds nothing']
  ]
  for (const [identifiers, why] of orders) {
    const ask = await serve(t, identifiers)
    t.equal(await ask({ card: 'a', token: 'b' }), '401 the certificate and the token of the request are of two clients', `two that differ: ${why}`)
    t.equal(await ask({ card: 'a', token: 'a' }), 'a', `two that agree: ${why}`)
    t.equal(await ask({ card: 'a' }), 'a', `one finds nothing: ${why}`)
    t.equal(await ask({ token: 'b' }), 'b', `the other finds nothing: ${why}`)
    t.equal(await ask(), `401 ${NEITHER}`, `none finds anything: ${why}`)
    t.equal(await ask({ card: 'wrong', token: 'b' }), '401 wrong card', `what is wrong is not passed over: ${why}`)
    t.equal(await ask({ card: 'a', token: 'wrong' }), '401 wrong token', `whichever it is: ${why}`)
    t.match(await ask({ card: 'wrong', token: 'wrong' }), /^401 wrong/, `both: ${why}`)
    t.equal(await ask({ token: 'b' }, '/elsewhere'), '404 only paths below /MAAS/api/ are served', `what is not served is no secret to a client: ${why}`)
    t.equal(await ask({}, '/elsewhere'), `401 ${NEITHER}`, `but to others it is: ${why}`)
    t.equal(await ask({ token: 'b' }, '/page'), 'b', `own pages are for clients: ${why}`)
  }
})

t.test('without identifiers nobody needs a name', async t => {
  const ask = await serve(t, [])
  t.equal(await ask({ token: 'b' }), 'null')
  t.equal(await ask({}, '/MAAS/api/2.0/version/'), 'null')
})
