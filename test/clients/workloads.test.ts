import t, { type Test } from 'tap'
import { chmodSync, writeFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto'
import { type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { loadConfig } from '../../src/settings/load.ts'
import type { Flags } from '../../src/settings/setting-input.ts'
import { makeCertificates } from '../helper/certificates.ts'
import { runHere } from '../helper/process.ts'
import { startTestProxy, type TestProxy, testConfig } from '../helper/proxy.ts'
import { exchange, jsonBody, rawUpstream, request, socketDir } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

const ISSUER = 'https://kubernetes.default.svc.cluster.local'
const AUDIENCE = 'maas-auth-proxy'
const NAME = 'system:serviceaccount:build:runner'
const KEY = 'a1234567890123456B:c1234567890123456D:e123456789012345678901234567890F'
const MACHINES = '/MAAS/api/2.0/machines/'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ed = generateKeyPairSync('ed25519')
const other = generateKeyPairSync('rsa', { modulusLength: 2048 })
const weak = generateKeyPairSync('rsa', { modulusLength: 1024 })
const jwk = ({ publicKey }: { publicKey: KeyObject }, more: JsonWebKey = {}): JsonWebKey => ({ ...publicKey.export({ format: 'jwk' }), ...more })
const KEYS = [jwk(rsa, { kid: 'rsa', alg: 'RS256', use: 'sig' }), jwk(ec, { kid: 'ec' }), jwk(ed, { kid: 'ed' })]
const now = () => Math.floor(Date.now() / 1000)

interface WantedToken {
  claims?: JWTPayload
  header?: { alg?: string, kid?: string, [name: string]: unknown }
  key?: KeyObject | Uint8Array
}

/** Makes a token as Kubernetes projects it. A claim that is undefined is left out. */
async function tokenOf ({ claims = {}, header = {}, key = rsa.privateKey }: WantedToken = {}): Promise<string> {
  const payload = { iss: ISSUER, aud: [AUDIENCE, 'another'], sub: NAME, iat: now(), nbf: now(), exp: now() + 600, ...claims }
  return await new SignJWT(payload).setProtectedHeader({ alg: 'RS256', kid: 'rsa', ...header }).sign(key)
}

/** Writes a file of keys, and returns the settings for it. */
function settings (t: Test, keys: unknown = { keys: KEYS }): Flags & { clientJwks: [string] } {
  const file = `${socketDir(t)}/jwks.json`
  writeFileSync(file, typeof keys === 'string' ? keys : JSON.stringify(keys), { mode: 0o600 })
  return { clientJwks: [file], clientJwtIssuer: [ISSUER], clientJwtAudience: [AUDIENCE] }
}

/** Asks, and returns the name of the client in the log, or what the error says. */
async function ask (proxy: TestProxy, fields: string[], line = `GET ${MACHINES}`): Promise<string> {
  const seen = proxy.log.length
  const answer = await exchange(proxy.port, request([`${line} HTTP/1.1`, 'Host: localhost', 'Content-Length: 0', 'Connection: close', ...fields]))
  if (!/^HTTP\/1\.1 200/.test(answer)) return `${answer.slice(9, 12)} ${String(jsonBody(answer).error?.message)}`
  await until('the request is in the log', () => proxy.log.slice(seen).some(({ msg }) => msg === 'request'))
  return String(proxy.log.slice(seen).find(({ msg }) => msg === 'request')?.['client'])
}

const bearer = (token: string) => [`Authorization: Bearer ${token}`]

/** A part of a token. */
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

t.test('a workload is who its token says', async t => {
  const upstream = await rawUpstream(t)
  const tokens = `${socketDir(t)}/tokens`
  writeFileSync(tokens, 'alice alice-token-0001\n', { mode: 0o600 })
  const proxy = await startTestProxy(t, testConfig(upstream.url, { ...settings(t), clientTokenFile: [tokens] }))
  const token = await tokenOf()
  const rows: Array<[fields: string[], wanted: string, reason: string]> = [
    [bearer(token), NAME, 'Bearer'],
    [bearer(token), NAME, 'the same again, which is remembered'],
    [[`MAAS-Proxy-Token: ${token}`], NAME, 'another field'],
    [[`Authorization: Basic ${Buffer.from(`any:${token}`).toString('base64')}`], NAME, 'Basic'],
    [[`Authorization: OAuth oauth_signature_method="PLAINTEXT", oauth_consumer_key="any", oauth_token="any", oauth_signature="%26${token}"`], NAME, 'in a key, as the tools of MAAS send it'],
    [bearer(await tokenOf({ header: { alg: 'ES256', kid: 'ec' }, key: ec.privateKey })), NAME, 'ES256'],
    [bearer(await tokenOf({ header: { alg: 'EdDSA', kid: 'ed' }, key: ed.privateKey })), NAME, 'EdDSA'],
    [bearer(await tokenOf({ claims: { aud: AUDIENCE } })), NAME, 'one audience'],
    [bearer('alice-token-0001'), 'alice', 'a client of the file'],
    [[], '401 the request has no token of a known client', 'none']
  ]
  for (const [fields, wanted, reason] of rows) t.equal(await ask(proxy, fields), wanted, reason)
  t.match(await proxy.facts(), [{ clients: 'by token or token of a ServiceAccount: 1 client', needsToken: true }])
  t.notMatch(upstream.received(), token.slice(-40), 'MAAS never gets it')
  t.notMatch(JSON.stringify(proxy.log), token.slice(-40), 'the log neither')
})

t.test('a token that is not good is refused, with the reason and nothing of it', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url, settings(t)))
  const pem = Buffer.from(rsa.publicKey.export({ type: 'spki', format: 'pem' }))
  const good = await tokenOf()
  const [head, body, signature] = good.split('.') as [string, string, string]
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString())
  const secret = (more: object) => tokenOf({ header: { alg: 'HS256', ...more }, key: pem })
  const rows: Array<[token: string, wanted: RegExp, reason: string]> = [
    [new UnsecuredJWT(claims).encode(), /is not signed with a private key$/, 'alg: none'],
    [`${part({ alg: 'none', kid: 'rsa' })}.${body}.${signature}`, /is not signed with a private key$/, 'alg: none, with a signature'],
    [`${part({ alg: 'NoNe', kid: 'rsa' })}.${body}.`, /is not signed with a private key$/, 'alg: none in other letters'],
    [await secret({}), /is not signed with a private key$/, 'HS256 with the public key as its secret'],
    [await secret({ alg: 'HS512', kid: 'ec' }), /is not signed with a private key$/, 'HS512 with another key id'],
    [await tokenOf({ claims: { aud: 'another' } }), /is for another audience than --client-jwt-audience$/, 'another audience'],
    [await tokenOf({ claims: { aud: [`${AUDIENCE}.example`, ''] } }), /is for another audience/, 'an audience that begins alike'],
    [await tokenOf({ claims: { aud: undefined } as unknown as JWTPayload }), /is for another audience/, 'no audience'],
    [await tokenOf({ claims: { iss: `${ISSUER}/` } }), /is of another issuer than --client-jwt-issuer$/, 'another issuer'],
    [await tokenOf({ claims: { exp: now() - 60 } }), /has expired$/, 'expired'],
    [await tokenOf({ claims: { exp: undefined } as unknown as JWTPayload }), /does not say when it expires$/, 'without an end'],
    [await tokenOf({ claims: { nbf: now() + 60 } }), /is not valid yet$/, 'not valid yet'],
    [await tokenOf({ key: other.privateKey }), /has a wrong signature$/, 'another key with a known key id'],
    [await tokenOf({ header: { kid: 'nobody' }, key: other.privateKey }), /is signed with a key that is not among those of --client-jwks$/, 'an unknown key id'],
    [await tokenOf({ header: { kid: '../../../../dev/null' }, key: other.privateKey }), /is signed with a key that is not among those/, 'a key id that is a path'],
    [await tokenOf({ header: { kid: "x' UNION SELECT 'y" }, key: other.privateKey }), /is signed with a key that is not among those/, 'a key id that is a query'],
    [await tokenOf({ header: { jwk: jwk(other) }, key: other.privateKey }), /has a wrong signature$/, 'a key of its own'],
    [await tokenOf({ header: { kid: 'mine', jku: 'https://127.0.0.1/jwks', x5u: 'https://127.0.0.1/x5u' }, key: other.privateKey }), /is signed with a key that is not among those/, 'an address of its own keys'],
    [await tokenOf({ header: { alg: 'PS256' } }), /is signed with a key that is not among those/, 'an algorithm that the key is not for'],
    [`${part({ alg: 'RS256', kid: 'rsa', crit: ['x'], x: 1 })}.${body}.${signature}`, /is not a good token/, 'a critical extension'],
    [`${head}.${part({ ...claims, sub: 'system:serviceaccount:kube-system:admin' })}.${signature}`, /has a wrong signature$/, 'another name behind the signature'],
    [`${head}.${body}.`, /has a wrong signature$/, 'no signature'],
    [good.slice(0, -10), /has a wrong signature$/, 'a part of the signature'],
    [`${head}.${body}`, /^401 the request has no token of a known client$/, 'two parts'],
    [head, /^401 the request has no token of a known client$/, 'one part'],
    [`${good}.${signature}`, /^401 the request has no token of a known client$/, 'four parts'],
    [`x.${body}.${signature}`, /is not a good token/, 'a header that is none'],
    [await tokenOf({ claims: { sub: 'alice' } }), /names no ServiceAccount/, 'the name of nobody in a cluster'],
    [await tokenOf({ claims: { sub: 'system:serviceaccount:build' } }), /names no ServiceAccount/, 'half of a name'],
    [await tokenOf({ claims: { sub: 'system:serviceaccount:a:b\u0000c' } }), /names no ServiceAccount/, 'a name with a control character'],
    [await tokenOf({ claims: { sub: `system:serviceaccount:a:${'b'.repeat(250)}` } }), /names no ServiceAccount/, 'a name without an end'],
    [await tokenOf({ claims: { sub: undefined } as unknown as JWTPayload }), /names no ServiceAccount/, 'no name']
  ]
  for (const [token, wanted, reason] of rows) {
    const answer = await ask(proxy, bearer(token))
    t.match(answer, /^401 /, reason)
    t.match(answer, wanted, reason)
    for (const piece of token.split('.').filter(piece => piece.length > 4)) t.notOk(answer.includes(piece), `${reason}: nothing of it is in the answer`)
  }
  t.match(await ask(proxy, [...bearer(good), `MAAS-Proxy-Token: ${await tokenOf({ claims: { iat: now() - 1 } })}`]), /^401 the request has two tokens that differ/, 'two tokens')
  t.match(await ask(proxy, [...bearer(good), ...bearer('x')]), /^401 the request has two tokens that differ/, 'a good one and another')
  t.equal(upstream.received(), '', 'MAAS got nothing')
  t.equal(await ask(proxy, bearer(good)), NAME, 'and a good one is good')
})

t.test('a token without a key id is good if there is one key for it', async t => {
  const upstream = await rawUpstream(t)
  const token = await tokenOf({ header: { kid: undefined } as unknown as { kid: string } })
  const one = await startTestProxy(t, testConfig(upstream.url, settings(t)))
  t.equal(await ask(one, bearer(token)), NAME)
  const two = await startTestProxy(t, testConfig(upstream.url, settings(t, { keys: [jwk(rsa, { kid: 'a' }), jwk(other, { kid: 'b' })] })))
  t.equal(await ask(two, bearer(token)), '401 the token of the workload does not say which key it is signed with')
})

t.test('a token ends, though it is remembered', async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url, settings(t)))
  const token = await tokenOf({ claims: { exp: now() - 3 } }) // clocks may differ by 5 s
  t.equal(await ask(proxy, bearer(token)), NAME)
  await until('it has ended', async () => await ask(proxy, bearer(token)) === '401 the token of the workload has expired')
})

t.test('clients of a configuration file may be workloads, and a reload takes over keys', async t => {
  const upstream = await rawUpstream(t)
  const { clientJwks: [jwks] } = settings(t)
  const config = `${t.testdir({})}/proxy.yaml`
  const put = (...lines: string[]) => {
    writeFileSync(config, [`maas-url: ${upstream.url}`, `api-key: ${KEY}`, ...lines, "listeners: [{ listen: '127.0.0.1:0' }]"].join('\n'), { mode: 0o600 })
  }
  const good = [`client-jwks: ${jwks}`, `client-jwt-issuer: ${ISSUER}`, `client-jwt-audience: ${AUDIENCE}`]
  const clients = `clients: [{ name: '${NAME}', read-only: true }]`
  put(...good, clients)
  const proxy = await startTestProxy(t, loadConfig({ config: [config] }, {}))
  const post = `POST ${MACHINES}`
  const [runner, tester] = [await tokenOf(), await tokenOf({ claims: { sub: 'system:serviceaccount:build:tester' } })]
  t.equal(await ask(proxy, bearer(runner)), NAME)
  t.match(await ask(proxy, bearer(runner), post), /^403/, 'with its rules')
  t.equal(await ask(proxy, bearer(tester), post), 'system:serviceaccount:build:tester', 'another has the rules of the listener')

  const mistakes: Array<[lines: string[], wanted: RegExp, reason: string]> = [
    [[good[0] as string, good[1] as string], /^\S*proxy\.yaml:3:1: client-jwks: needs --client-jwt-audience as well/, 'no audience'],
    [[good[0] as string], /client-jwks: needs --client-jwt-issuer and --client-jwt-audience as well/, 'keys alone'],
    [[good[2] as string], /client-jwt-audience: needs --client-jwks and --client-jwt-issuer as well/, 'an audience alone'],
    [[`client-jwks-ca-file: ${config}`], /client-jwks-ca-file: needs --client-jwks and/, 'a CA alone'],
    [[clients], /nothing identifies the client system:serviceaccount:build:runner/, 'a workload, and no keys'],
    [[...good, "clients: [{ name: 'system:serviceaccount:x' }]"], /nothing identifies the client system:serviceaccount:x/, 'half of a name']
  ]
  for (const [lines, wanted, reason] of mistakes) {
    put(...lines)
    const seen = proxy.log.length
    await proxy.reload()
    t.match(proxy.log.slice(seen).filter(({ level }) => level === 50).map(({ reason }) => reason).join('\n'), wanted, reason)
    t.equal(await ask(proxy, bearer(runner)), NAME, `${reason}: the old stays`)
  }
  put(...good, clients)
  writeFileSync(jwks, JSON.stringify({ keys: [] }))
  await proxy.reload()
  t.match(await proxy.logged(({ reason }) => /has no key/.test(String(reason))), { reason: /client-jwks: ".*jwks\.json": has no key that verifies tokens/ })
  t.equal(await ask(proxy, bearer(await tokenOf())), NAME, 'the old keys stay')
  writeFileSync(jwks, JSON.stringify({ keys: [jwk(other, { kid: 'other' })] }))
  await until('the new keys are in force', async () => /not among those of --client-jwks/.test(await ask(proxy, bearer(runner))))
  t.equal(await ask(proxy, bearer(await tokenOf({ header: { kid: 'other' }, key: other.privateKey }))), NAME)
})

t.test('what cannot verify a token is one line, before anything listens', async t => {
  const rows: Array<[keys: unknown, wanted: RegExp, reason: string]> = [
    [{ keys: [] }, /has no key that verifies tokens: of RSA, of 2048 bits or more, EC or Ed25519/, 'no key'],
    [{ keys: [jwk(weak), { kty: 'RSA' }, { kty: 'new' }, jwk(rsa, { use: 'enc' })] }, /has no key that verifies tokens/, 'keys of no use'],
    [{ keys: [{ kty: 'oct', k: 'c2VjcmV0' }] }, /key 1 is secret; write the public keys only/, 'a secret'],
    [{ keys: [jwk(ec), rsa.privateKey.export({ format: 'jwk' })] }, /key 2 is secret; write the public keys only/, 'a private key'],
    [jwk(rsa), /is not a set of keys \(JWKS\): \{"keys": \[\.\.\.\]\}/, 'a key alone'],
    [{ keys: ['x'] }, /is not a set of keys/, 'texts'],
    ['null', /is not a set of keys/, 'nothing'],
    ['{', /not JSON, from line 1/, 'no JSON']
  ]
  for (const [keys, wanted, reason] of rows) {
    const error = await testConfig('http://127.0.0.1:1/MAAS', settings(t, keys)).catch((error: unknown) => error)
    t.match(error, { problems: [wanted] }, reason)
    t.match(error, { problems: [/^--client-jwks: ".*jwks\.json"/] }, reason)
  }
  const flags = settings(t)
  const more: Array<[flags: Flags, wanted: RegExp, reason: string]> = [
    [{ ...flags, clientJwks: ['http://127.0.0.1/jwks'] }, /^--client-jwks: "http:\/\/127\.0\.0\.1\/jwks": is not an https address/, 'http'],
    [{ ...flags, clientJwks: ['https://:x'] }, /is not an https address/, 'no address'],
    [{ ...flags, clientJwks: ['https://user:secret@host/'] }, /is not an https address/, 'a password'],
    [{ ...flags, clientJwksCaFile: [`${t.testdir({ ca: (await makeCertificates()).ca })}/ca`] }, /^--client-jwks-ca-file: has no effect on a file of keys; leave it out/, 'a CA for a file'],
    [{ clientJwks: flags.clientJwks, clientJwtIssuer: ['x'] }, /^--client-jwks: needs --client-jwt-audience as well/, 'no audience'],
    [{ ...flags, clientJwtIssuer: [''] }, /^--client-jwt-issuer: "": is empty or has spaces/, 'an empty issuer'],
    [{ ...flags, clientJwtAudience: ['a b'] }, /^--client-jwt-audience: "a b": is empty or has spaces/, 'two audiences'],
    [{ ...flags, noClientAuth: ['true'] }, /^--client-jwks and --no-client-auth: contradict each other/, 'nobody is asked']
  ]
  for (const [flags, wanted, reason] of more) {
    t.match(await testConfig('http://127.0.0.1:1/MAAS', flags).catch((error: unknown) => error), { problems: [wanted] }, reason)
  }
  chmodSync(flags.clientJwks[0], 0o666)
  await t.rejects(testConfig('http://127.0.0.1:1/MAAS', flags), /other users may write it, and add keys of their own; chmod go-w it/, 'keys that others could add')
  const { code, stderr } = await runHere(['--maas-url', 'http://127.0.0.1:1/MAAS', '--client-jwks', '/nonexistent', '--client-jwt-issuer', 'x', '--client-jwt-audience', 'x'], { MAAS_API_KEY: KEY })
  t.equal(code, 2)
  t.match(stderr, /error: --client-jwks: "\/nonexistent": there is no such file/)
})

/** A server of keys. */
async function keyServer (t: Test, answer: RequestListener) {
  const { ca, cert, key } = await makeCertificates()
  let count = 0
  const server = createServer({ cert, key }, (request, response) => {
    count++
    answer(request, response)
  })
  t.after(async () => { await new Promise(resolve => { server.close(resolve).closeAllConnections() }) })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  const caFile = `${socketDir(t)}/ca`
  writeFileSync(caFile, ca)
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/openid/v1/jwks?x=1`
  const claims = { clientJwtIssuer: [ISSUER], clientJwtAudience: [AUDIENCE] }
  const flags = { clientJwks: [url], clientJwksCaFile: [caFile], ...claims }
  return { flags, count: () => count }
}

t.test('keys at an address are fetched again for an unknown key, once a minute at most', async t => {
  let keys = [jwk(rsa, { kid: 'rsa' })]
  const server = await keyServer(t, (request, response) => {
    response.end(request.url === '/openid/v1/jwks?x=1' ? JSON.stringify({ keys }) : '')
  })
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url, server.flags))
  const rotated = await tokenOf({ header: { kid: 'other' }, key: other.privateKey })
  const askWithNew = async (i: number) => await ask(proxy, bearer(await tokenOf({ claims: { iat: now() - i } })))
  const answers = await Promise.all([1, 2, 3].map(askWithNew))
  t.strictSame(answers, [NAME, NAME, NAME])
  t.equal(server.count(), 1, 'once for all')
  keys = [...keys, jwk(other, { kid: 'other' })]
  for (let i = 0; i < 20; i++) t.match(await ask(proxy, bearer(rotated)), /^401 .*not among those of --client-jwks/)
  t.equal(server.count(), 1, 'and not for every token that names another')
  await proxy.reload()
  t.equal(await ask(proxy, bearer(await tokenOf())), NAME)
  t.equal(server.count(), 1, 'nor for a reload that leaves the settings as they are')
  const { now: realNow } = Date
  t.after(() => { Date.now = realNow })
  Date.now = () => realNow() + 61_000
  t.equal(await ask(proxy, bearer(rotated)), NAME, 'a minute later they are fetched again')
  t.equal(server.count(), 2)
})

t.test('keys that cannot be fetched are told, and tried again', async t => {
  const big = JSON.stringify({ keys: ['x'.repeat(2_000_000)] })
  const answers: Array<[answer: RequestListener, reason: RegExp, why: string]> = [
    [(_request, response) => response.writeHead(403).end(), /the answer has the status 403/, 'a refusal'],
    [(_request, response) => response.writeHead(302, { Location: 'https://elsewhere/' }).end(), /the answer has the status 302/, 'a redirect, which is not followed'],
    [(_request, response) => response.end('<html>'), /the answer is not a set of keys/, 'a page'],
    [(_request, response) => response.end('{"keys":[]}'), /the answer is not a set of keys/, 'no key'],
    [(_request, response) => response.end('{"keys":[1]}'), /the answer is not a set of keys/, 'no keys'],
    [(_request, response) => response.end(big), /longer than any set of keys/, 'an answer without an end'],
    [(request) => request.socket.destroy(), /socket|closed|other side/i, 'no answer']
  ]
  const upstream = await rawUpstream(t)
  const token = await tokenOf()
  for (const [answer, reason, why] of answers) {
    const server = await keyServer(t, answer)
    const proxy = await startTestProxy(t, testConfig(upstream.url, server.flags), { probeAtStart: true })
    t.match(await proxy.logged(({ msg }) => msg === 'the keys that verify the tokens of workloads could not be fetched'), { level: 40, reason, remedy: /--client-jwks has to answer/ }, `${why}: at the start`)
    for (const time of ['once', 'again']) t.equal(await ask(proxy, bearer(token)), '503 the keys that verify the tokens of workloads could not be fetched', `${why}: ${time}`)
    t.equal(server.count(), 1, `${why}: it is asked once in five seconds`)
    await proxy.stop()
  }
  let works = false
  const server = await keyServer(t, (_request, response) => {
    response.writeHead(works ? 200 : 500).end(JSON.stringify({ keys: KEYS }))
  })
  const { clientJwksCaFile: _ca, ...withoutCa } = server.flags
  const proxy = await startTestProxy(t, testConfig(upstream.url, withoutCa))
  t.match(await ask(proxy, bearer(token)), /^503/, 'a certificate that nobody trusts')
  t.equal(server.count(), 0)
  const other = await startTestProxy(t, testConfig(upstream.url, server.flags))
  t.match(await ask(other, bearer(token)), /^503/)
  works = true
  const { now: realNow } = Date
  t.after(() => { Date.now = realNow })
  Date.now = () => realNow() + 6000
  t.equal(await ask(other, bearer(token)), NAME, 'it is tried again')
  works = false
  Date.now = () => realNow() + 68_000
  const unknown = await tokenOf({ header: { kid: 'new' } })
  for (const time of ['once', 'again']) t.match(await ask(other, bearer(unknown)), /^503/, `a key that may be new: ${time}`)
  t.equal(server.count(), 3)
  t.equal(await ask(other, bearer(await tokenOf({ claims: { nbf: 0 } }))), NAME, 'keys that are known stay')
  const ready = await startTestProxy(t, testConfig(upstream.url, settings(t)), { probeAtStart: true })
  t.notOk(ready.log.some(({ msg }) => /could not be fetched/.test(String(msg))), 'a file needs no fetch')
})
