import t from 'tap'
import { inspect } from 'node:util'
import { ApiKey, parseApiKey } from '../../src/maas/api-key.ts'
import { AnonymousOperations, decideAccess } from '../../src/maas/access.ts'
import { parseMaasUrl } from '../../src/maas/maas-url.ts'
import { findOperation } from '../../src/maas/operations.ts'
import { parseQuery } from '../../src/maas/query.ts'
import { createSigner, systemClock, writeHeader } from '../../src/maas/sign.ts'
import { readAnonymousOperations, SHIPPED_ANONYMOUS_OPERATIONS } from '../../src/settings/anonymous-operations.ts'

t.test('a key has three parts; white space around it is ignored', async t => {
  const rows: Array<[text: string, reason: string]> = [
    ['c:t:s', 'the plain form'],
    ['c:t:s\n', 'echo ends a file with a line feed'],
    ['c:t:s\r\n', 'so does an editor on Windows'],
    ['\ufeffc:t:s', 'and it may begin with a byte order mark'],
    ['  c:t:s  ', 'copied with blanks around it']
  ]
  for (const [text, reason] of rows) {
    const key = parseApiKey(text)
    t.strictSame([key.consumerKey, key.tokenKey, key.tokenSecret], ['c', 't', 's'], reason)
  }
  const refused: Array<[text: string, wanted: RegExp, reason: string]> = [
    ['', /found nothing/, 'empty'],
    ['HIDDEN', /found 1 of 3 parts/, 'one part'],
    ['c:HIDDEN', /found 2 of 3 parts/, 'two parts'],
    ['c:t:HIDDEN:x', /found 4 of 3 parts/, 'four parts'],
    ['c::HIDDEN', /found 2 of 3 parts/, 'an empty part'],
    [':t:HIDDEN', /found 2 of 3 parts/, 'at the beginning'],
    ['c:HIDDEN:', /found 2 of 3 parts/, 'at the end'],
    ['c:t:HID DEN', /a space/, 'a blank inside'],
    ['c:t:HIDDEN\nc2', /a line break/, 'two lines'],
    ['c:t:HIDDÄN', /beyond ASCII/, 'a letter no key has'],
    ['"c:t:HIDDEN"', /^has a quote at its start; leave the quotes out;/, 'quotes, which a file of variables for Docker keeps'],
    ["'c:t:HIDDEN'", /^has a quote at its start;/, 'single ones'],
    ['c:t:HIDDEN\u201d', /^has a quote at its end;/, 'one of a word processor'],
    ['MAAS_API_KEY=c:t:HIDDEN', /^is a variable, not a key; keep only what stands behind the equals sign;/, 'a line of a .env file'],
    ['export KEY = c:t:HIDDEN', /^is a variable, not a key;/, 'one of a shell'],
    ['{"key": "c:t:HIDDEN"}', /^is JSON or a list, not a key;/, 'what an API answers'],
    ['-----BEGIN PRIVATE KEY-----\nHIDDEN', /^is in PEM, /, 'another kind of key'],
    ['Authorization: OAuth oauth_token="HIDDEN"', /^is a header, not a key;/, 'what a client sends'],
    ['x:x:x', /^is the placeholder, not a key of a user;/, 'what clients of the proxy send'],
    ['$HIDDEN:$B:$C', /^has a placeholder or a variable of a shell in it/, 'what no shell has replaced'],
    ['c\0:\0t\0:\0H\0I\0D\0', /^is not text in UTF-8; save the file as UTF-8/, 'what PowerShell writes']
  ]
  for (const [text, wanted, reason] of refused) {
    t.throws(() => parseApiKey(text), wanted, reason)
    try {
      parseApiKey(text)
    } catch (error) {
      t.notMatch(String(error), /HID/, `the message for ${reason} does not repeat the key`)
    }
  }
  t.ok(parseApiKey('a1234567890123456B:c1234567890123456D:e123456789012345678901234567890F').hasUsualForm, "MAAS's own form")
  const [consumer, token, secret] = ['a1234567890123456B', 'c1234567890123456D', 'e123456789012345678901234567890F']
  const unusual: Array<[text: string, reason: string]> = [
    ['c:t:s', 'any other'],
    [`${consumer.slice(1)}:${token}:${secret}`, 'a consumer key without its first character'],
    [`${consumer}:${token.slice(1)}:${secret}`, 'a token key without one'],
    [`${consumer}:${token}:${secret.slice(0, -1)}`, 'a secret without its last'],
    [`${consumer}:${token}:${secret}x`, 'a secret with one more'],
    [`${consumer}:${token}:${secret.replace('e', '-')}`, 'a character that MAAS does not use']
  ]
  for (const [text, reason] of unusual) t.notOk(parseApiKey(text).hasUsualForm, reason)
})

t.test('a key prints as a placeholder', async t => {
  const key = new ApiKey(['consumerpart', 'tokenpart', 'HIDDEN'])
  for (const [shown, way] of [[String(key), 'as text'], [JSON.stringify({ key }), 'as JSON'], [inspect({ key }, { depth: 9, showHidden: true }), 'inspected'], [`${Object.entries(key)}`, 'by its properties']] as const) {
    t.notMatch(shown, /tokenpart|consumerpart|HIDDEN/, way)
  }
})

t.test('MAAS_URL is parsed, and mistakes are named', async t => {
  const rows: Array<[text: string, origin: string, reason: string]> = [
    ['http://maas:5240/MAAS', 'http://maas:5240', 'as documented'],
    ['http://maas:5240/MAAS/', 'http://maas:5240', 'with a slash'],
    ['http://maas:5240/MAAS/api/2.0/', 'http://maas:5240', 'as the maas CLI stores it'],
    ['https://maas.example/MAAS/api/2.0', 'https://maas.example', 'the same without the last slash'],
    ['https://MAAS.example:443/MAAS', 'https://maas.example', 'host in any case, default port'],
    ['http://maas:5240/MAAS/r/machines?status=new', 'http://maas:5240', 'an address of the web UI'],
    ['http://maas:5240/MAAS/l/machines', 'http://maas:5240', 'of an older one'],
    ['http://maas:5240/MAAS/#/machines', 'http://maas:5240', 'of the oldest'],
    ['http://[::1]:5240/MAAS', 'http://[::1]:5240', 'IPv6']
  ]
  for (const [text, origin, reason] of rows) t.strictSame(parseMaasUrl(text), { origin, href: `${origin}/MAAS` }, reason)
  const refused: Array<[text: string, wanted: RegExp, reason: string]> = [
    ['maas:5240', /^has no scheme; did you mean http:\/\/maas:5240\/MAAS\?$/, 'without a scheme the host looks like one'],
    ['maas.example', /^has no scheme; did you mean http:\/\/maas\.example:5240\/MAAS\?$/, 'a host alone'],
    ['[::1]:5240/MAAS', /^has no scheme; did you mean http:\/\/\[::1\]:5240\/MAAS\?$/, 'an address of IPv6'],
    ['maas:5443/MAAS', /did you mean https:\/\/maas:5443\/MAAS\?$/, 'the port for https'],
    ['maas:443', /did you mean https:\/\/maas:443\/MAAS\?$/, 'the port of the web for https'],
    ['a:hidden:c', /^has the form of an API key, which belongs in MAAS_API_KEY;/, 'the key'],
    ['hidden78901234567890', /^is not a URL; write it as/, 'a part of a key, which is not repeated'],
    ['x://hidden78901234567890/', /^is not a URL; write it as/, 'nor in a URL'],
    ['http//maas/MAAS', /^is not a URL; write it as/, 'a scheme without its colon'],
    ['/MAAS', /^is not a URL; write it as/, 'a path'],
    ['x:/MAAS', /^is not a URL; write it as/, 'a URL without a host'],
    ['ftp://maas/MAAS', /^has the scheme ftp, and MAAS has http and https; did you mean http:\/\/maas\/MAAS\?$/, 'another scheme'],
    ['wss://maas:5443/MAAS/ws', /did you mean https:\/\/maas:5443\/MAAS\?$/, 'that of the web UI'],
    ['http://u:hidden@maas/MAAS', /user name or password .*write http:\/\/maas\/MAAS$/, 'a user name and a password'],
    ['http://hidden@maas/MAAS', /user name or password/, 'a user name alone'],
    ['http://:hidden@maas/MAAS', /user name or password/, 'a password alone'],
    ['http://maas/MAAS?x=1', /^has a query or a fragment; did you mean http:\/\/maas\/MAAS\?$/, 'a query'],
    ['http://maas/MAAS#x', /^has a query or a fragment; did you mean/, 'a fragment'],
    ['http://maas:5240', /^has no path; did you mean http:\/\/maas:5240\/MAAS\?$/, 'no path'],
    ['http://maas:5240/maas', /^has its path not in upper case; did you mean/, 'MAAS is case-sensitive'],
    ['http://maas:5240/MAASX', /^has another path than \/MAAS; did you mean/, 'another path'],
    ['http://maas:5240/MAAS/rx', /^has another path than \/MAAS; did you mean/, 'one that is not of the web UI'],
    ['http://maas:5240/maasx', /^has another path than \/MAAS; did you mean/, 'nor this'],
    ['http://maas:5240/MAAS/api/1.0/', /^has another path than \/MAAS; did you mean/, 'the API of old']
  ]
  for (const [text, wanted, reason] of refused) {
    t.throws(() => parseMaasUrl(text), wanted, reason)
    t.doesNotThrow(() => { try { parseMaasUrl(text) } catch (error) { if (String(error).includes('hidden')) throw error } }, 'and no password is repeated')
  }
})

t.test('a query is read as Django reads it', async t => {
  const rows: Array<[query: string, wanted: Array<[string, string]>, reason: string]> = [
    ['', [], 'none'],
    ['op=x', [['op', 'x']], 'one'],
    ['op', [['op', '']], 'a name alone has an empty value'],
    ['op=', [['op', '']], 'an empty value stays'],
    ['a=1&&b=2', [['a', '1'], ['b', '2']], 'nothing between ampersands is nothing'],
    ['a=1;op=x', [['a', '1;op=x']], 'a semicolon does not separate'],
    ['%6fp=all%6Fcate', [['op', 'allocate']], 'names and values are decoded'],
    ['a=b+c&d+e=%2B', [['a', 'b c'], ['d e', '+']], 'a plus is a space, an escaped one a plus'],
    ['a=+b+c++', [['a', ' b c  ']], 'each of them'],
    ['a=%zz&b=%', [['a', '%zz'], ['b', '%']], 'a bad escape stays as it is'],
    ['?op=x', [['?op', 'x']], 'a second question mark belongs to the name'],
    ['a=b=c', [['a', 'b=c']], 'only the first equals sign separates'],
    ['op%00=x', [['op\0', 'x']], 'a NUL makes another name'],
    ['%FFop=x', [['\ufffdop', 'x']], 'so does a byte that is not UTF-8']
  ]
  for (const [query, wanted, reason] of rows) t.strictSame(parseQuery(query), wanted, reason)
})

const API = '/MAAS/api/2.0'

t.test('the operation is the one that MAAS will run', async t => {
  const rows: Array<[
    method: string, path: string, query: string, formOp: string | null,
    wanted: string | null, resource: string, reason: string
  ]> = [
    ['GET', '/machines/', '', null, null, '/machines/', 'none'],
    ['POST', '/machines/', 'op=allocate', null, 'allocate', '/machines/', 'from the query'],
    ['POST', '/machines/', 'op=a&op=b', null, 'b', '/machines/', 'the last one counts'],
    ['POST', '/machines/', 'op=allocate&op=', null, null, '/machines/', 'a last one that is empty makes it a create'],
    ['POST', '/machines/', '', 'allocate', 'allocate', '/machines/', 'from the form'],
    ['POST', '/machines/', 'op=accept', 'allocate', 'accept', '/machines/', 'the query beats the form'],
    ['POST', '/machines/', 'op=', 'allocate', 'allocate', '/machines/', 'an empty one in the query leaves it to the form'],
    ['PUT', '/machines/', '', 'allocate', null, '/machines/', 'MAAS reads a form op on POST only'],
    ['POST', '/machines/op-accept', '', null, 'accept', '/machines/', "from the path's ending"],
    ['POST', '/machines/op-accept', 'op=allocate', null, 'allocate', '/machines/', 'the query beats the path'],
    ['POST', '/machines/op-accept', '', 'allocate', 'allocate', '/machines/', 'and so does the form'],
    ['POST', '/machines/op-accept/', '', null, null, '/machines/op-accept/', 'with a slash behind it is no operation'],
    ['POST', '/machines/op-', '', null, null, '/machines/op-', 'nor without a name'],
    ['POST', '/machines/', 'OP=allocate', null, null, '/machines/', 'the name is case-sensitive']
  ]
  for (const [method, path, query, formOp, op, resource, reason] of rows) {
    const found = findOperation(method, API + path, parseQuery(query), formOp)
    t.strictSame([found.op, found.path], [op, API + resource], reason)
  }
  const stated: Array<[query: string, formOp: string | null, wanted: boolean, reason: string]> = [
    ['', null, true, "the path's ending"],
    ['op=', '', true, 'beside what is empty'],
    ['op=allocate', null, false, 'the query'],
    ['', 'allocate', false, 'the form']
  ]
  for (const [query, formOp, wanted, reason] of stated) t.equal(findOperation('POST', `${API}/machines/op-accept`, parseQuery(query), formOp).fromPath, wanted, `told apart: ${reason}`)
})

t.test('only operations of the table are anonymous', async t => {
  const table = readAnonymousOperations(SHIPPED_ANONYMOUS_OPERATIONS)
  const rows: Array<[method: string, path: string, query: string, wanted: 'signed' | 'anonymous', reason: string]> = [
    ['GET', `${API}/version/`, '', 'anonymous', 'same either way'],
    ['GET', `${API}/describe/`, '', 'anonymous', 'same either way'],
    ['GET', `${API}/openapi.yaml`, '', 'anonymous', 'same either way'],
    ['GET', '/MAAS/api/version/', '', 'anonymous', 'same either way'],
    ['GET', `${API}/files/`, 'op=get_by_key&key=1', 'anonymous', 'the key is the capability'],
    ['GET', `${API}/files/op-get_by_key`, 'key=1', 'anonymous', 'the same by its own path'],
    ['GET', `${API}/nodes/`, 'op=is_action_in_progress', 'anonymous', 'signed it would be 400'],
    ['GET', `${API}/regioncontrollers/`, 'op=is_action_in_progress', 'anonymous', 'on all five collections'],
    ['GET', `${API}/nodes/op-is_action_in_progress`, '', 'signed', 'MAAS has no such path, so nothing anonymous'],
    ['GET', `${API}/files/?op=get_by_key`, '', 'signed', 'a question mark that was escaped belongs to the path'],
    ['GET', `${API}/version`, '', 'signed', 'a missing slash is another path'],
    ['GET', `${API}/version/x`, '', 'signed', 'a prefix is no match'],
    ['GET', `${API}/x/version/`, '', 'signed', 'nor an ending'],
    ['GET', `${API}/Version/`, '', 'signed', 'nor another case'],
    ['GET', `${API}/version/`, 'op=x', 'signed', 'nor another op'],
    ['POST', `${API}/version/`, '', 'signed', 'nor another method'],
    ['GET', `${API}/files/`, 'op=get', 'signed', 'a near op'],
    ['GET', `${API}/files/`, 'op=get_by_key&op=get', 'signed', 'the last op decides'],
    ['GET', `${API}/tags/`, 'op=is_registered', 'signed', 'not one of the five collections'],
    ['POST', `${API}/machines/`, '', 'signed', 'create and enlist differ: signed'],
    ['POST', `${API}/machines/`, 'op=accept', 'signed', 'anonymous accept is always 401'],
    ['GET', `${API}/machines/`, 'op=is_registered', 'signed', 'the answers differ'],
    ['GET', `${API}/machines/`, '', 'signed', 'the rest']
  ]
  for (const [method, path, query, wanted, reason] of rows) {
    t.equal(decideAccess(table.kindOf(findOperation(method, path, parseQuery(query), null)), 'signed', undefined), wanted, `${method} ${path}?${query}: ${reason}`)
  }
  t.equal(new AnonymousOperations([]).kindOf(findOperation('GET', `${API}/version/`, [], null)), undefined, 'an empty table signs all')
})

t.test('MAAS-Proxy-Access changes the access only of operations that MAAS serves both ways', async t => {
  t.equal(decideAccess('dual', 'signed', 'anonymous'), 'anonymous')
  t.equal(decideAccess('dual', 'anonymous', undefined), 'anonymous', 'the setting')
  t.equal(decideAccess('dual', 'anonymous', 'signed'), 'signed', 'one request against the setting')
  t.equal(decideAccess('same', 'signed', 'signed'), 'signed', 'harmless')
  t.equal(decideAccess('anonymous-only', 'signed', 'signed'), null, 'MAAS would answer 400')
  t.equal(decideAccess(undefined, 'anonymous', 'anonymous'), null, 'MAAS would answer 401')
})

t.test('the Authorization header equals that of oauth-1.0a, for any key', async t => {
  const keys: Array<[key: [string, string, string], reason: string]> = [
    [['consumer', 'token', 'secret'], 'plain'],
    [['NONCE', 'TIMESTAMP', 'NONCE'], 'a key that spells the places of nonce and timestamp'],
    [["a!*'()b", 'c"d,e=f', 'g%h&i+j'], 'a key that must be percent-encoded']
  ]
  for (const [parts, reason] of keys) {
    const key = new ApiKey(parts)
    const header = createSigner(key, () => 1795504581)()
    const [, nonce = ''] = /oauth_nonce="([^"]*)"/.exec(header) ?? []
    t.match(nonce, /^[0-9a-f]{32}$/, 'the nonce is hex')
    t.equal(header, writeHeader(key, nonce, '1795504581'), reason)
  }
  t.equal(
    writeHeader(new ApiKey(['c', 't', 's']), 'n', '1'),
    'OAuth oauth_consumer_key="c", oauth_nonce="n", oauth_signature="%26s", oauth_signature_method="PLAINTEXT", oauth_timestamp="1", oauth_token="t", oauth_version="1.0"',
    'as MAAS takes it'
  )
})

t.test('every signature has a nonce of its own and the time in seconds', async t => {
  const sign = createSigner(new ApiKey(['c', 't', 's']))
  const before = systemClock()
  const headers = Array.from({ length: 100_000 }, () => sign())
  const after = systemClock()
  const nonces = headers.map(header => /oauth_nonce="([^"]*)"/.exec(header)?.[1] ?? '')
  t.equal(new Set(nonces).size, headers.length)
  t.ok(nonces.every(nonce => /^[0-9a-f]{32}$/.test(nonce)), 'each is whole, where random digits run out too')
  const parts = nonces.slice(0, 1000).flatMap(nonce => Array.from({ length: 21 }, (_, i) => nonce.slice(i, i + 12)))
  t.equal(new Set(parts).size, parts.length, 'and no digits of one are those of another')
  const timestamps = headers.map(header => Number(/oauth_timestamp="(\d+)"/.exec(header)?.[1]))
  t.ok(timestamps.every(timestamp => timestamp >= before && timestamp <= after))
  t.intercept(Date, 'now', { value: () => 1_795_504_581_999 })
  t.match(sign(), /oauth_timestamp="1795504581"/, 'a second counts when it has begun')
})
