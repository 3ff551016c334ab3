import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'

import t from 'tap'
import type { Test } from 'tap'

import { startStandIn } from '../../src/demo/stand-in/index.ts'
import type { StandIn, StandInOptions, StandInRecord } from '../../src/demo/stand-in/index.ts'
import { ask, multipart, sign } from '../helper/maas-client.ts'
import type { Ask, Key, Told } from '../helper/maas-client.ts'
import { NOW, observations } from './observations.ts'
import type { Context } from './observations.ts'

const API = '/MAAS/api/2.0/'
const FORM: [string, string] = ['Content-Type', 'application/x-www-form-urlencoded']
const JSON_BODY: [string, string] = ['Content-Type', 'application/json']

interface Started {
  standIn: StandIn
  anonymous: (path: string, ask?: Partial<Ask>) => Promise<Told>
  signed: (path: string, ask?: Partial<Ask>, key?: Key, changes?: Record<string, string | undefined>) => Promise<Told>
}

async function start (t: Test, options: StandInOptions = { now: () => NOW }): Promise<Started> {
  const standIn = await startStandIn(options)
  t.teardown(() => standIn.close())
  return {
    standIn,
    anonymous: (path, rest = {}) => ask(standIn.port, { path: API + path, ...rest }),
    signed: (path, rest = {}, key = standIn.admin, changes = {}) =>
      ask(standIn.port, { path: API + path, ...rest, headers: [['Authorization', sign(key, NOW, changes)], ...rest.headers ?? []] })
  }
}

const form = (body: string): Partial<Ask> => ({ method: 'POST', headers: [FORM], body })
const json = (body: string): Partial<Ask> => ({ method: 'POST', headers: [JSON_BODY], body })
const collapse = (text: string) => text.replace(/\s+/g, ' ').trim()

t.test('every observation of a running MAAS holds, in order', async t => {
  const { standIn, signed } = await start(t, { version: '3.4', now: () => NOW })
  await signed('tags/', form('name=obs-tag1'))
  const context: Context = { admin: standIn.admin, user: standIn.user, cookie: '', fileKey: '', tokenKey: '' }
  for (const { name, ask: asked, status, type, body, deviation, keep } of observations) {
    await t.test(deviation === undefined ? name : `${name} (deviates: ${deviation})`, async t => {
      const told = await ask(standIn.port, typeof asked === 'function' ? asked(context) : asked)
      t.equal(told.status, status)
      t.equal(told.headers['content-type']?.split(';')[0], type)
      t.equal(told.headers['www-authenticate'], status === 401 && type === 'text/html' ? 'OAuth realm="OAuth"' : undefined)
      const expected = typeof body === 'function' ? body(context) : body
      if (typeof expected === 'string') t.equal(told.body, expected)
      else if (Buffer.isBuffer(expected)) t.ok(told.bytes.equals(expected), 'the very bytes')
      else t.equal(collapse(told.body).slice(0, expected.start.length), expected.start)
      keep?.(told, context)
    })
  }
})

/** Sends bytes as they are and collects all that comes back. */
async function raw (port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  socket.on('data', chunk => { answer += chunk.toString() })
  // A peer that closes while we still send is part of what is tested.
  socket.on('error', () => {})
  socket.write(bytes)
  await new Promise(resolve => { socket.on('close', resolve) })
  return answer
}

t.test('a nonce lasts exactly if its request was not rolled back', async t => {
  const { signed, standIn } = await start(t)
  const once = (path: string, nonce: string, rest: Partial<Ask> = {}) =>
    signed(path, rest, standIn.admin, { oauth_nonce: nonce })
  const cases: Array<[string, string, Partial<Ask>, number, boolean]> = [
    ['an answer', 'users/?op=whoami', {}, 200, true],
    ['a raised 400', 'users/?op=nosuch', {}, 400, false],
    ['a 404 of a handler, which is returned', 'machines/nosuch/', {}, 404, true],
    ['a raised 404', 'files/?op=get&filename=nosuch', {}, 404, false],
    ['a raised 409', 'machines/?op=allocate', form('name=nosuch'), 409, false],
    ['a 500', 'users/?op=whoami&oauth_x=1', {}, 500, false],
    ['a 405, which is returned', 'machines/', { method: 'PATCH' }, 405, true],
    ['a wrong format, which is returned', 'machines/?format=yaml', {}, 400, true]
  ]
  for (const [name, path, rest, status, burnt] of cases) {
    t.equal((await once(path, name.replaceAll(/\W/g, ''), rest)).status, status, name)
    const again = await once('users/?op=whoami', name.replaceAll(/\W/g, ''))
    t.equal(again.status, burnt ? 401 : 200, `${name}: ${burnt ? 'used up' : 'good once more'}`)
  }
  const first = await signed('users/?op=whoami', {}, standIn.admin, { oauth_nonce: 'shared' })
  const other = await signed('users/?op=whoami', {}, standIn.user, { oauth_nonce: 'shared' })
  t.match([first.status, other.status], [200, 200], 'a nonce counts once per key')
  t.match(await Promise.all([1, 2].map(async () => (await once('users/?op=whoami', '')).status)), [200, 200], 'an empty one counts never')
})

t.test('signatures are verified as piston does it', async t => {
  const { signed, anonymous, standIn } = await start(t)
  const { admin, user } = standIn
  const whoami = async (changes: Record<string, string | undefined>, key: Key = admin) => await signed('users/?op=whoami', {}, key, changes)

  t.equal((await whoami({ oauth_consumer_key: user.consumer })).status, 200, 'consumer and token are not tied to each other')
  t.match((await whoami({}, { ...user, token: admin.token })).body, `base string: &${admin.secret}'`, 'the secret printed is that of the token')
  t.match((await whoami({ oauth_signature: `%2526${admin.secret}` })).status, 401, 'encoded twice is once too often')
  t.equal((await whoami({ oauth_signature: undefined })).body, "Authorization Error: 'Missing signature.'", 'the method name contains oauth_signature')
  t.equal((await whoami({ oauth_signature_method: 'realm' })).status, 200, 'PLAINTEXT is the default')
  t.equal((await whoami({ oauth_version: '' })).status, 200, 'an empty version is none')
  t.equal((await whoami({ oauth_timestamp: `%20%2B${NOW - 300}` })).status, 200, 'int() takes blanks and a sign; 300 s are not too old')
  t.match(await whoami({ oauth_timestamp: '' }), { status: 400, body: "'Bad Request: Missing timestamp.'" })
  t.match(await whoami({ oauth_timestamp: 'abc' }), { status: 500, body: "invalid literal for int() with base 10: 'abc'" })
  t.equal((await whoami({ oauth_token: "it's" })).body, 'Authorization Error: "Invalid access token: it\'s"', 'Python repr prefers the other quote')
  t.equal((await whoami({ oauth_token: '%27%22%0A%01%5C%zz' })).body, 'Authorization Error: \'Invalid access token: \\\'"\\n\\x01\\\\%zz\'')

  const lower = [['Authorization', sign(admin, NOW).replace('OAuth', 'oauth')]] as Array<[string, string]>
  t.equal((await anonymous('machines/', { headers: lower })).body, "'NoneType' object has no attribute 'verify_request'", 'no parameters at all')
  const comma = [['Authorization', `${sign(admin, NOW)},`]] as Array<[string, string]>
  t.match((await anonymous('machines/', { headers: comma })).body, 'Unable to parse OAuth parameters')
  const overriding = await signed('users/?op=whoami&oauth_token=&oauth_token=nosuch&oauth_token=other')
  t.match(overriding.body, 'Invalid access token: nosuch', 'of a repeated query parameter the first that is not empty')
  t.equal((await anonymous('version/?oauth_x=1')).body, 'dictionary changed size during iteration', 'even where nothing is verified')
  t.equal((await anonymous('describe/?oauth_x=1')).status, 200, 'describe is no piston resource')

  const encode = (text: string) => encodeURIComponent(text)
  const names = { oauth_consumer_key: admin.consumer, oauth_nonce: 'hmac', oauth_signature_method: 'HMAC-SHA1', oauth_timestamp: String(NOW), oauth_token: admin.token, oauth_version: '1.0', op: 'whoami' }
  const pairs = Object.entries(names).map(([name, value]) => `${name}=${value}`).join('&')
  const base = ['GET', encode(`${standIn.url}/api/2.0/users/`), encode(pairs)].join('&')
  const signature = createHmac('sha1', `&${admin.secret}`).update(base).digest('base64')
  const hmac = { oauth_signature_method: 'HMAC-SHA1', oauth_nonce: 'hmac', oauth_timestamp: String(NOW) }
  t.equal((await whoami({ ...hmac, oauth_signature: encode(signature) })).status, 200, 'HMAC-SHA1 works too')
  t.equal((await whoami({ ...hmac, oauth_nonce: 'hmac2', oauth_signature: 'x' })).body,
    `Authorization Error: 'Invalid signature. Expected signature base string: ${base.replace('hmac', 'hmac2')}'`)
})

t.test('the clock is the one given, and Date tells it', async t => {
  let now = NOW
  const { signed } = await start(t, { now: () => now })
  t.equal((await signed('users/?op=whoami')).headers.date, new Date(NOW * 1000).toUTCString())
  now += 301.5
  t.match((await signed('users/?op=whoami')).body, `given ${NOW} and now ${NOW + 301}, has a greater difference`)
  const standIn = await startStandIn()
  t.teardown(() => standIn.close())
  const headers: Array<[string, string]> = [['Authorization', sign(standIn.admin, Math.floor(Date.now() / 1000))]]
  t.equal((await ask(standIn.port, { path: `${API}users/?op=whoami`, headers })).status, 200, 'the default is the real one')
})

t.test('keys are new at each start and shaped as MAAS makes them', async t => {
  const [one, other] = [await start(t), await start(t)]
  for (const { consumer, token, secret } of [one.standIn.admin, one.standIn.user]) {
    t.match([consumer, token, secret], [/^[A-Za-z0-9]{18}$/, /^[A-Za-z0-9]{18}$/, /^[A-Za-z0-9]{32}$/])
  }
  t.match([one.standIn.admin.admin, one.standIn.user.admin], [true, false])
  t.not(one.standIn.admin.secret, other.standIn.admin.secret)
  const six = await startStandIn({ host: '::1' })
  t.teardown(() => six.close())
  t.equal(six.url, `http://[::1]:${six.port}/MAAS`)
  await t.rejects(startStandIn({ port: one.standIn.port }), { code: 'EADDRINUSE' })
})

t.test('POST machines/ enlists when anonymous and creates when signed', async t => {
  const { signed, anonymous, standIn } = await start(t)
  const enlisted = JSON.parse((await anonymous('machines/', form('architecture=amd64&mac_addresses=52:54:00:AA:00:01'))).body)
  t.equal(Object.keys(enlisted).length, 14, 'thirteen fields and its address')
  t.match(enlisted, { status: 0, status_name: 'New', architecture: 'amd64/generic' })
  const again = JSON.parse((await anonymous('machines/', form('architecture=arm64&subarchitecture=x&power_type=ipmi&mac_addresses=52:54:00:aa:00:01'))).body)
  t.match(again, { system_id: enlisted.system_id, architecture: 'arm64/x', power_type: 'ipmi' }, 'the same machine, updated')
  t.match(JSON.parse((await anonymous('machines/', form('mac_addresses=52:54:00:aa:00:01'))).body), { architecture: 'arm64/x', power_type: 'ipmi' })

  const created = JSON.parse((await signed('machines/', form('hostname=tidy-wren&architecture=amd64&mac_addresses=52:54:00:aa:00:02&commission=no'))).body)
  t.ok(Object.keys(created).length > 50, 'the full field set')
  t.match(created, { hostname: 'tidy-wren', status_name: 'New', interface_set: [{ mac_address: '52:54:00:aa:00:02' }] })
  t.equal((await signed('machines/', form('architecture=amd64&mac_addresses=52:54:00:aa:00:03'), standIn.user)).status, 200, "a plain user's machine waits for approval")
  const taken = await signed('machines/', form('architecture=amd64&mac_addresses=52:54:00:aa:00:02&commission=no'))
  t.equal(taken.body, '{"mac_addresses": ["MAC address 52:54:00:aa:00:02 already in use on tidy-wren."]}', 'signed, a MAC is not met again')
  t.equal((await anonymous('machines/', form('mac_addresses=52:54:00:1c:8e:01&architecture=amd64'))).status, 400, 'nor is that of a machine in use')
  t.match((await anonymous('machines/', form('mac_addresses=52:54:00:aa:00:09'))).body, '"architecture"')
  t.match((await signed('machines/', form(''))).body, '"mac_addresses"')
  t.equal((await signed('machines/', form('architecture=amd64&mac_addresses=52:54:00:aa:00:04'))).status, 400, 'commissioning fails')
  t.notMatch((await signed('machines/')).body, '52:54:00:aa:00:04', '... and leaves nothing behind')
  t.equal((await signed('machines/', json('{"mac_addresses": ["52:54:00:aa:00:05"]}'))).body, "'dict' object has no attribute 'getlist'")
})

t.test('is_registered depends on who asks, is_action_in_progress is for the anonymous', async t => {
  const { signed, anonymous } = await start(t)
  const asked = async (mac: string) => [
    (await signed(`machines/?op=is_registered&mac_address=${mac}`)).body,
    (await anonymous(`nodes/?op=is_registered&mac_address=${mac}`)).body,
    (await anonymous(`devices/?op=is_action_in_progress&mac_address=${mac}`)).body
  ]
  t.match(await asked('52:54:00:1C:8E:04'), ['true', 'true', 'false'], 'ready')
  t.match(await asked('52:54:00:1c:8e:03'), ['true', 'false', 'false'], 'new')
  t.match(await asked('52:54:00:ff:ff:ff'), ['false', 'false', 'false'], 'unknown')
  await signed('machines/w8fc3n/?op=deploy', form(''))
  t.match(await asked('52:54:00:1c:8e:04'), ['true', 'true', 'true'], 'deploying')
  t.equal((await signed('machines/?op=is_action_in_progress')).body, 'Unrecognised signature: method=GET op=is_action_in_progress')
  t.equal((await anonymous('machines/?op=is_registered')).body, 'No provided mac_address!')
})

t.test('op comes from the query, else from a form, else from the path', async t => {
  const { signed, anonymous } = await start(t)
  const allocate = multipart([{ name: 'op', value: 'allocate' }, { name: 'name', value: 'nosuch' }])
  const cases: Array<[string, Told, number]> = [
    ['the last of the query', await signed('machines/?op=nosuch&op=list_allocated'), 200],
    ['percent-encoded', await signed('machines/?%6fp=list%5Fallocated'), 200],
    ['case matters', await signed('machines/?op=List_Allocated'), 400],
    ['a form', await signed('machines/', form('op=allocate&name=nosuch')), 409],
    ['the last of a form', await signed('machines/', form('op=nosuch&op=allocate&name=nosuch')), 409],
    ['type in other case, with a charset', await signed('machines/', { ...form('op=allocate&name=nosuch'), headers: [['Content-Type', 'APPLICATION/x-www-form-urlencoded; charset=utf-8']] }), 409],
    ['multipart', await signed('machines/', { method: 'POST', headers: [['Content-Type', allocate.type]], body: allocate.body }), 409],
    ['the query wins over the form', await signed('machines/?op=nosuch', form('op=allocate')), 400],
    ['an empty last one is none', await signed('machines/?op=allocate&op=', form('architecture=amd64&mac_addresses=52:54:00:aa:00:01&commission=0')), 200],
    ['JSON has none', await signed('tags/', json('{"op": "nosuch", "name": "json-op"}')), 200],
    ['a body of another type has none', await signed('tags/', { method: 'POST', headers: [['Content-Type', 'text/plain']], body: 'op=nosuch' }), 400],
    ['a GET has no form', await signed('machines/', { ...form('op=nosuch'), method: 'GET' }), 200],
    ['the path', await signed('machines/op-list_allocated'), 200],
    ['the path of an item', await signed('machines/w8fc3n/op-query_power_state'), 200],
    ['percent-encoded path', await signed('mach%69nes/%6Fp-list_allocated'), 200],
    ['the query wins over the path', await signed('machines/op-list_allocated?op=nosuch'), 400],
    ['the path with a slash is an item', await signed('machines/op-list_allocated/'), 404],
    ['an op of the path that is not exported', await signed('machines/op-nosuch'), 404],
    ['an anonymous op has no path', await anonymous('machines/op-is_action_in_progress'), 404],
    ['PUT takes none', await signed('tags/virtual/?op=nosuch', { ...form(''), method: 'PUT' }), 400],
    ['DELETE takes none', await signed('tags/virtual/?op=nosuch', { method: 'DELETE' }), 400],
    ['dot segments are not resolved', await signed('machines/../machines/'), 404]
  ]
  for (const [name, { status }, expected] of cases) t.equal(status, expected, name)
})

t.test('bodies that are not what they say', async t => {
  const { signed } = await start(t)
  const typed = (type: string, body: string): Partial<Ask> => ({ method: 'POST', headers: [['Content-Type', type]], body })
  t.match(await signed('tags/', json('{')), { status: 400, body: 'Bad Request' })
  for (const [body, type] of [['7', 'int'], ['[]', 'list'], ['""', 'str'], ['true', 'bool']] as const) {
    t.match(await signed('tags/', json(body)), { status: 500, body: `'${type}' object has no attribute 'items'` })
  }
  t.match(await signed('tags/', json('null')), { status: 400, body: '{}' }, 'a form without data has no errors')
  t.match(await signed('tags/', typed('application/octet-stream', 'x')), { status: 400, body: '{}' }, 'nor has one of another type')
  t.match(await signed('users/', typed('application/octet-stream', 'x')), { status: 500, body: "'NoneType' object has no attribute 'get'" })
  t.match(await signed('tags/', typed('multipart/form-data', 'x')), { status: 400, body: '', headers: { 'transfer-encoding': 'chunked', 'x-frame-options': undefined } }, 'Twisted needs a boundary')
  t.match(await signed('tags/virtual/', { ...typed('multipart/form-data', 'x'), method: 'PUT' }), { status: 500, body: 'Invalid boundary in multipart: None' }, 'and reads POST only')
  t.match(await signed('tags/', typed('application/x-yaml', 'name: of-yaml')), { status: 200 })
  t.match(await signed('tags/', form('%zz=%zz&name')), { status: 400, body: '{"name": ["This field is required."]}' })
  const cut = '--b\r\nContent-Disposition: form-data; name="name"\r\n\r\ncut-short\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\nhalf'
  t.match(await signed('tags/', typed('multipart/form-data; boundary=b', cut)), { status: 200 }, 'what has arrived whole counts')
  t.match(await signed('tags/', typed('multipart/form-data; boundary=b', cut.slice(0, 30))), { status: 400 })
  const nameless = ['', '; filename="x"'].map(rest => `--b\r\nContent-Disposition: form-data${rest}\r\n\r\nv\r\n`).join('')
  const named = '--b\r\nContent-Disposition: form-data; name="filename"\r\n\r\nn\r\n--b--\r\n'
  t.match(await signed('files/', typed('multipart/form-data; boundary=b', nameless + named)), { status: 400, body: 'File not supplied' })
  const encoded = (name: string) => `--b\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: form-data; name="name"\r\n\r\n${Buffer.from(name).toString('base64')}\r\n\r\n--b--`
  t.match(JSON.parse((await signed('tags/', typed('multipart/form-data; boundary=b', encoded('blue')))).body), { name: 'blue' }, 'a part in base64, as the maas CLI sends it')
  t.equal((await signed('machines/', { method: 'GET', headers: [JSON_BODY] })).status, 200, 'the type of no body does not matter')
})

t.test('a client that goes away in mid-upload does no harm', async t => {
  const { signed, standIn } = await start(t)
  const socket = connect(standIn.port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(`POST ${API}files/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nhalf`)
  await new Promise(resolve => setTimeout(resolve, 50))
  socket.destroy()
  t.equal((await signed('users/?op=whoami')).status, 200)
  t.match(standIn.records.map(({ url }) => url), [`${API}users/?op=whoami`], 'it got no answer and left no record')
})

t.test('nginx refuses what is too large, also if it only turns out on the way', async t => {
  const { anonymous, signed, standIn } = await start(t)
  const told = await anonymous('files/', { method: 'POST', body: Buffer.alloc(10_485_761), chunked: true })
  t.match(told, { status: 413, reason: 'Request Entity Too Large', headers: { connection: 'close', server: 'nginx/1.22.1' } })
  t.equal((await anonymous('files/', { method: 'POST', body: Buffer.alloc(10_485_760), chunked: true })).status, 401, '10M is not too large')
  t.equal((await signed(`machines/?x=${'x'.repeat(40_000)}`)).status, 414)
  t.match(await raw(standIn.port, `GET ${API}version/?${'x'.repeat(1_000_000)} HTTP/1.1\r\nHost: x\r\n\r\n`), /^(HTTP\/1.1 414 Request-URI Too Large|$)/)
  t.equal((await signed('users/?op=whoami')).status, 200, 'none the worse')
})

t.test('nginx answers some requests itself', async t => {
  const { standIn } = await start(t)
  const get = async (path: string, headers: Array<[string, string]> = []) => await ask(standIn.port, { path, headers })
  const cases: Array<[string, number, string]> = [
    ['/', 301, 'the UI'], ['/MAAS', 301, 'the UI'], ['/MAAS/r/', 200, 'a page in its place'],
    ['/elsewhere', 404, 'outside'], ['/MAASX/', 404, 'outside'], ['/MAAS/../etc/', 404, 'outside in the end'],
    ['/../MAAS/api/2.0/version/', 400, 'above the root'], ['/MAAS/api/2.0/%zz/', 400, 'no escape'], ['/MAAS/%00', 400, 'NUL'],
    ['/MAAS/api/2.0/./version/', 404, 'known to nginx, not to Django'], ['/MAAS/api/2.0/version/?%zz', 200, 'the query is not looked at'],
    [`http://elsewhere${API}version/`, 200, 'the absolute form']
  ]
  for (const [path, status, reason] of cases) t.equal((await get(path)).status, status, `${path}: ${reason}`)
  t.equal((await get('/')).headers.location, '/MAAS/r/')
  t.equal((await get(`${API}version/`, [['Host', 'a'], ['Host', 'b']])).status, 400)
  t.match(await raw(standIn.port, `GET ${API}version/ HTTP/1.1\r\nConnection: close\r\n\r\n`), /^HTTP\/1.1 400/, 'HTTP/1.1 needs a Host')
  t.match(await raw(standIn.port, `GET ${API}version/ HTTP/1.0\r\n\r\n`), /^HTTP\/1.1 200/, 'HTTP/1.0 does not')
  t.match(await raw(standIn.port, 'what is this\r\n\r\n'), /^HTTP\/1.1 400 Bad Request\r\n[^]*<h1>400 Bad Request/)
})

t.test('the region answers some paths outside the API', async t => {
  const { anonymous, standIn } = await start(t)
  const get = async (path: string) => await ask(standIn.port, { path })
  t.match(await get('/MAAS/api/docs/'), { status: 302, headers: { location: '/MAAS/?next=%2FMAAS%2Fapi%2Fdocs%2F' } })
  t.match(await get('/MAAS/prefs?a=1&b=%C3%A9'), { status: 302, headers: { location: '/MAAS/?next=%2FMAAS%2Fprefs%3Fa%3D1%26b%3D%25C3%25A9' } })
  t.match(await get('/MAAS/api/2.0/x%41%C3%A9%c3%41/'), { status: 404, body: 'Unknown API endpoint: /MAAS/api/2.0/xA\u00e9%C3A/.' }, 'bytes that are not UTF-8 stay encoded')
  t.equal((await ask(standIn.port, { path: '/MAAS/accounts/login/', method: 'POST' })).status, 400, 'a login without a body')
  const old = await startStandIn({ version: '3.4' })
  t.teardown(() => old.close())
  for (const path of ['/MAAS/api/2.0', '/MAAS/api/version', '/MAAS/api/docs']) {
    t.match(await ask(old.port, { path }), { status: 301, headers: { location: `${path}/`, vary: undefined } }, `${path} of 3.4`)
    t.match(await get(path), { status: 302, headers: { vary: 'Cookie' } }, `${path} of 3.7`)
  }
  t.equal((await ask(old.port, { path: '/MAAS/elsewhere' })).status, 302)
  t.match(await anonymous('openapi.yaml', { headers: [['Host', 'elsewhere.example']] }), { status: 200, body: `- url: ${standIn.url}/api/2.0/\n` })
})

t.test('describe/ is what the maas CLI needs', async t => {
  const { anonymous, signed } = await start(t)
  const told = await anonymous('describe/', { headers: [['Host', 'maas.example.com:8080'], ['X-Forwarded-Host', 'ignored']] })
  t.equal(told.headers['content-type'], 'application/json', 'to the letter')
  const { doc, hash, handlers, resources } = JSON.parse(told.body)
  t.equal(doc, 'MAAS API')
  t.match(hash, /^[0-9a-f]{40}$/)
  t.equal((await signed('machines/')).headers['x-maas-api-hash'], hash)
  t.equal(handlers.length,
    resources.flatMap((resource: { anon: object, auth: object }) => [resource.anon, resource.auth])
      .filter((handler: object) => handler !== null).length)
  const machine = resources.find(({ name }: { name: string }) => name === 'MachineHandler')
  t.equal(machine.anon, null)
  t.match(machine.auth, { path: '/MAAS/api/2.0/machines/{system_id}/', uri: 'http://maas.example.com:8080/MAAS/api/2.0/machines/{system_id}/', params: ['system_id'] })
  const actions = Object.fromEntries(machine.auth.actions.map((action: { name: string }) => [action.name, action]))
  t.match(actions['deploy'], { method: 'POST', op: 'deploy', restful: false })
  t.match(actions['update'], { method: 'PUT', op: null, restful: true })
  t.match(resources.find(({ name }: { name: string }) => name === 'VersionHandler'), { auth: null, anon: { name: 'VersionHandler' } })
})

t.test('headers tell whether an answer was returned or raised', async t => {
  const { signed, anonymous } = await start(t)
  const returned = { vary: 'Authorization, Cookie', 'x-maas-api-hash': /^[0-9a-f]{40}$/, 'x-frame-options': 'DENY' }
  const raised = { vary: 'Cookie', 'x-maas-api-hash': undefined, 'x-frame-options': 'DENY' }
  t.match((await signed('machines/')).headers, returned)
  t.match((await anonymous('users/')).headers, returned, 'Forbidden is returned')
  t.match((await anonymous('machines/')).headers, raised, 'Unrecognised signature is raised')
  t.match((await signed('machines/', { method: 'PATCH' })).headers, { ...returned, allow: 'POST, GET' })
  t.match((await signed('users/?op=whoami')).headers, { 'content-type': 'application/json; charset=utf-8', server: 'nginx/1.22.1', 'content-length': /\d+/ })
  t.match(await signed('users/?op=whoami&callback=f'), { body: /^f\(\{\n {4}"is_superuser": true,[^]*\}\)$/, headers: { 'content-type': /^application\/json/ } })
  t.match(await signed('users/?format=yaml'), { status: 400, body: "Invalid output format specified 'yaml'.", headers: returned })
  t.equal((await signed('users/?format=json')).status, 200)
  t.equal((await anonymous('machines/', { method: 'HEAD' })).status, 401)
  t.equal((await anonymous('version/', { method: 'HEAD' })).status, 405)
})

t.test('a UI session outranks a signature, and any sessionid cookie calls for CSRF protection', async t => {
  const { signed, anonymous, standIn } = await start(t)
  const { admin, user } = standIn
  const post = async (path: string, body: string, headers: Array<[string, string]> = []) =>
    await ask(standIn.port, { path, ...form(body), headers: [FORM, ...headers] })
  t.match(await post('/MAAS/accounts/login/', 'username=admin&password=wrong'), { status: 400, body: /^\{"__all__": \["Please enter/ })
  t.equal((await post('/MAAS/accounts/login/', '')).status, 400)
  t.match(await ask(standIn.port, { path: '/MAAS/accounts/login/' }), { status: 200, body: '{"authenticated": false, "external_auth_url": null, "no_users": false}' }, 'what the UI asks')
  const login = await post('/MAAS/accounts/login/', `username=user&password=${user.password}`)
  const [csrftoken, sessionid] = (login.headers['set-cookie'] as string[]).map(line => line.split(';')[0] as string) as [string, string]

  const cookies: [string, string] = ['Cookie', `${csrftoken}; ${sessionid}`]
  t.match((await signed('users/?op=whoami', { headers: [cookies] }, admin)).body, '"username": "user"', 'the session wins')
  t.match(await signed('tags/', { ...form('name=x'), headers: [FORM, cookies] }), { status: 403, headers: { 'content-type': /^text\/html/ }, body: /CSRF verification failed/ })
  t.equal((await signed('tags/virtual/', { method: 'DELETE', headers: [['Cookie', 'sessionid=bogus']] })).status, 403)
  t.equal((await signed('users/?op=whoami', { headers: [['Cookie', 'sessionid=bogus']] })).status, 200, 'reading needs no such proof')
  const proof: Array<[string, string]> = [FORM, cookies, ['X-CSRFToken', csrftoken.split('=')[1] as string]]
  t.equal((await anonymous('account/?op=create_authorisation_token', { ...form(''), headers: proof })).status, 200, 'with the token the session may write')

  const minted = JSON.parse((await post('/MAAS/accounts/authenticate/', `username=user&password=${user.password}&consumer=laptop`, [['Cookie', 'sessionid=bogus']])).body)
  const key = { consumer: minted.consumer_key, token: minted.token_key, secret: minted.token_secret }
  t.match((await signed('users/?op=whoami', {}, key)).body, '"username": "user"', 'a key for a password')
  t.match(await ask(standIn.port, { path: '/MAAS/accounts/authenticate/' }), { status: 405, headers: { allow: 'POST' } })
})

t.test('keys can be made, used and dropped', async t => {
  const { signed, standIn } = await start(t)
  const made = JSON.parse((await signed('account/?op=create_authorisation_token', form('name=laptop'))).body)
  const key = { consumer: made.consumer_key, token: made.token_key, secret: made.token_secret }
  t.equal((await signed('users/?op=whoami', {}, key)).status, 200)
  t.match(JSON.parse((await signed('account/?op=list_authorisation_tokens')).body)[1], { name: 'laptop', token: `${key.consumer}:${key.token}:${key.secret}` })
  const drop = async (body: string, by: Key = standIn.admin) => await signed('account/?op=delete_authorisation_token', form(body), by)
  t.match(await drop(`token_key=${key.token}`, standIn.user), { status: 404, body: 'No Token matches the given query.' })
  t.equal((await drop('token_key=nosuch')).status, 404)
  t.match(await drop(''), { status: 400, body: 'No provided token_key!' })
  t.equal((await drop(`token_key=${key.token}`)).status, 204)
  t.equal((await signed('users/?op=whoami', {}, key)).body, 'Authorization Error: Invalid API key.')
})

t.test('users', async t => {
  const { signed } = await start(t)
  t.strictSame(JSON.parse((await signed('users/')).body).map(({ username }: { username: string }) => username), ['MAAS', 'admin', 'user'])
  t.match((await signed('users/user/')).body, '"username": "user"')
  t.match(await signed('users/nosuch/'), { status: 404, body: 'No User matches the given query.' })
  t.match(await signed('users/', form('username=grace')), { status: 400, body: 'No provided email!' })
  t.match((await signed('users/', form('username=grace&email=g@example.com&password=x&is_superuser=1'))).body, '"is_superuser": true')
  t.match((await signed('users/', form('username=alan&email=a@example.com&password=x&is_superuser=off'))).body, '"is_superuser": false')
})

t.test('tags', async t => {
  const { signed, standIn } = await start(t)
  t.match(JSON.parse((await signed('tags/')).body), [{ name: 'virtual' }])
  t.match(JSON.parse((await signed('tags/virtual/?op=machines')).body), [{ hostname: 'swift-otter' }])
  t.match(await signed('tags/nosuch/'), { status: 404, body: 'No Tag matches the given query.' })
  t.match(await signed('tags/', form('name=virtual')), { status: 400, body: '{"name": ["Tag with this Name already exists."]}' })
  t.match((await signed('tags/', form('name=gpu&definition=d&comment=c&kernel_opts=k'))).body, '"kernel_opts": "k"')
  t.match(JSON.parse((await signed('tags/gpu/', { ...form('name=gpus&definition=e&kernel_opts=l'), method: 'PUT' })).body), { name: 'gpus', definition: 'e', comment: 'c', kernel_opts: 'l' })
  t.match(await signed('tags/gpus/?op=update_nodes', form('add=q7mx4e&add=w8fc3n&remove=tb3h8w')), { status: 200, body: /"added": 2,\s+"removed": 1/ })
  t.match(JSON.parse((await signed('tags/gpus/?op=nodes')).body), [{ hostname: 'swift-otter' }, { hostname: 'tidy-badger' }])
  t.match(await signed('tags/', form(`name=${'x'.repeat(257)}`)), { status: 400, body: '{"name": ["Ensure this value has at most 256 characters (it has 257)."]}' })
  t.match(JSON.parse((await signed('tags/gpus/', { ...json('{"comment": 7}'), method: 'PUT' })).body), { name: 'gpus', comment: '7' })
  t.equal((await signed('tags/gpus/', { method: 'DELETE' }, standIn.user)).status, 403, 'not for everyone')
})

t.test('files', async t => {
  const { signed, anonymous, standIn } = await start(t)
  const upload = async (parts: Parameters<typeof multipart>[0], key: Key = standIn.admin) => {
    const { type, body } = multipart(parts)
    return await signed('files/', { method: 'POST', headers: [['Content-Type', type]], body }, key)
  }
  const file = (value: string, name = 'file') => ({ name, value, filename: 'x' })
  const named = (value: string) => ({ name: 'filename', value })
  t.equal((await upload([named('z'), file('one')])).status, 201)
  t.equal((await upload([named('a'), file('first')])).status, 201)
  const before = JSON.parse((await signed('files/z/')).body)
  t.equal((await upload([named('z'), file('two')])).status, 201)
  t.match(JSON.parse((await signed('files/z/')).body), { content: Buffer.from('two').toString('base64'), anon_resource_uri: before.anon_resource_uri }, 'the key stays')
  t.match(await upload([named('n')]), { status: 400, body: 'File not supplied' })
  t.match(await upload([named('n'), file('a'), file('b', 'other')]), { status: 400, body: 'Exactly one file must be supplied' })
  t.match(await upload([named('n'), file('a', 'other')]), { status: 500, body: "'file'" })
  t.match(JSON.parse((await signed('files/')).body).map(({ filename }: { filename: string }) => filename), ['a', 'z'])
  t.match(JSON.parse((await signed('files/?prefix=z')).body), [{ filename: 'z' }])
  t.equal((await signed('files/', {}, standIn.user)).body, '[]', "not another's")
  t.equal((await signed('files/?op=get&filename=z')).body, 'two')
  t.match(await signed('files/?op=get&filename=nosuch'), { status: 404, body: 'File not found' })
  t.match(await anonymous('files/?op=get_by_key&key=nosuch'), { status: 404, body: 'No FileStorage matches the given query.' })
  t.match(await signed('files/nosuch/'), { status: 404, body: 'Not Found', headers: { workaround: 'bug1123986' } })
  t.equal((await signed('files/?filename=z', { method: 'DELETE' })).status, 204)
})

t.test('machines go through their states', async t => {
  const { signed, standIn } = await start(t)
  const { user } = standIn
  const run = async (path: string, key: Key = standIn.admin, body = '') => await signed(`machines/${path}`, form(body), key)
  const state = (told: Told) => JSON.parse(told.body).status_name

  t.match(JSON.parse((await signed('machines/?hostname=swift-otter&id=q7mx4e')).body), [{ system_id: 'q7mx4e' }])
  t.match(JSON.parse((await signed('nodes/?id=tb3h8w')).body), [{ status_name: 'Deployed', osystem: 'ubuntu', owner: 'admin' }])
  t.equal((await signed('devices/')).body, '[]')
  t.equal((await signed('rackcontrollers/')).body, '[]')
  t.equal((await signed('regioncontrollers/')).body, '[]')
  t.equal((await signed('machines/tb3h8w/', {}, user)).status, 403, "another's machine")
  t.notMatch((await signed('machines/', {}, user)).body, 'tb3h8w', 'which is not listed either')

  t.match((await run('?op=allocate', user, 'name=tidy-badger.maas&not_tags=virtual&dry_run=1')).body, '"Ready"', 'a dry run takes nothing')
  t.match(await run('?op=allocate', user, 'tags=virtual&mem=9000&agent_name=me'), {
    status: 409,
    body: "No available machine matches constraints: [('tags', ['virtual']), ('mem', ['9000']), ('agent_name', ['me'])] (resolved to \"mem=9000 tags=virtual\")"
  })
  t.equal(state(await run('?op=allocate', user, 'system_id=w8fc3n')), 'Allocated')
  t.match(JSON.parse((await signed('machines/?op=list_allocated', {}, user)).body), [{ owner: 'user' }])
  t.match(await run('?op=allocate', user), { status: 409, body: 'No machine available.' })
  t.equal((await signed('machines/w8fc3n/?op=get_token', {}, user)).body, 'null')
  t.match(await run('w8fc3n/?op=deploy', user, 'distro_series=nosuch'), { status: 400, body: /^\{"distro_series": \["'nosuch' is not a valid distro_series\./ })
  t.match(JSON.parse((await signed('machines/w8fc3n/?op=deploy', json('{"distro_series": "focal"}'), user)).body), { status_name: 'Deploying', distro_series: 'noble' }, 'a JSON body is not looked at')
  t.match(await run('w8fc3n/?op=release', user), { status: 200 })
  t.match(JSON.parse((await run('w8fc3n/?op=deploy', user, 'distro_series=jammy')).body), { status_name: 'Deploying', distro_series: 'jammy', osystem: 'ubuntu' })
  t.match(await run('w8fc3n/?op=deploy', user), { status: 409, body: "Can't deploy a machine that is in the 'Deploying' state" })
  t.match(JSON.parse((await signed('machines/w8fc3n/?op=get_token', {}, user)).body), { token_key: /^\w{18}$/, token_secret: /^\w{32}$/, consumer_key: /^\w{18}$/ })
  t.match(await run('q7mx4e/?op=deploy'), { status: 400, body: '{"network": ["Node must be configured to use a network"]}', headers: { 'content-type': 'application/json' } })
  t.match((await run('w8fc3n/?op=power_off', user)).body, '"power_state": "off"')
  t.match((await run('w8fc3n/?op=power_on', user)).body, '"power_state": "on"')
  t.match((await signed('machines/w8fc3n/?op=query_power_state', {}, user)).body, '"state": "on"')
  t.equal(state(await run('w8fc3n/?op=release', user)), 'Ready')
  t.match(await run('w8fc3n/?op=power_on'), { status: 409, body: "Can't start node: it hasn't been allocated." })
  t.match(await run('k6pd9r/?op=release'), { status: 409, body: "Machine cannot be released in its current state ('New')." })
  t.equal((await run('k6pd9r/?op=release', user)).status, 403)

  t.match((await signed('machines/w8fc3n/?op=power_parameters')).body, '"power_id": "tidy-badger"')
  t.equal((await signed('machines/w8fc3n/?op=power_parameters', {}, user)).status, 403)
  t.strictSame(Object.keys(JSON.parse((await signed('machines/?op=power_parameters&id=w8fc3n')).body)), ['w8fc3n'])
  t.equal(Object.keys(JSON.parse((await signed('machines/?op=power_parameters')).body)).length, 4)
  const put = (body: string): Partial<Ask> => ({ ...form(body), method: 'PUT' })
  t.match(JSON.parse((await signed('machines/w8fc3n/', put('hostname=new-name&description=d&architecture=a/b&power_type=manual'))).body), { fqdn: 'new-name.maas', description: 'd', architecture: 'a/b', power_type: 'manual' })
  t.match(JSON.parse((await signed('machines/w8fc3n/', put(''))).body), { hostname: 'new-name', description: 'd' })

  t.match(await run('?op=accept', standIn.admin, 'machines=nosuch'), { status: 400, body: 'Unknown machine(s): nosuch.' })
  t.match(await run('?op=accept', user, 'machines=k6pd9r'), { status: 403, body: /required permission to accept the following machine\(s\): k6pd9r\./ })
  t.equal((await run('?op=accept', standIn.admin, 'machines=k6pd9r')).body, 'Ephemeral operating system ubuntu focal is unavailable.')
  t.equal((await run('?op=accept', standIn.admin, 'machines=w8fc3n')).body, '[]', 'accepted already')
  t.equal((await signed('machines/w8fc3n/', { method: 'DELETE' })).status, 204)
  t.equal((await signed('machines/w8fc3n/')).status, 404)
  t.match(await signed('machines/?op=allocate', json('{}')), { status: 500, body: "'dict' object has no attribute 'lists'" })
})

t.test('every request leaves one record, the last thousand are kept', async t => {
  const heard: StandInRecord[] = []
  const { standIn, signed, anonymous } = await start(t, { now: () => NOW, onRequest: record => { heard.push(record) } })
  await signed('machines//?%6fp=allocate', form('name=nosuch'))
  await anonymous('machines/?op=allocate', form(''))
  await ask(standIn.port, { path: '/elsewhere' })
  t.match(heard, [
    { method: 'POST', url: `${API}machines//?%6fp=allocate`, bodyBytes: 11, user: 'admin', op: 'allocate', status: 409 },
    { user: null, op: 'allocate', status: 400 },
    { url: '/elsewhere', op: null, status: 404 }
  ])
  t.ok(heard[0]?.rawHeaders.includes('Authorization'))
  t.match(standIn.records, heard)
  for (let sent = 0; sent < 1000; sent += 50) await Promise.all(Array.from({ length: 50 }, () => anonymous('version/')))
  t.equal(standIn.records.length, 1000)
  t.equal(heard.length, 1003)
})

t.test('a form is told what is wrong with it', async t => {
  const { signed, anonymous } = await start(t)
  const machine = async (fields: string) => (await signed('machines/', form(`commission=no&${fields}`))).body
  const good = 'architecture=amd64&mac_addresses=52:54:00:aa:00:01'
  const rows: Array<[told: string, wanted: RegExp]> = [
    [await machine(''), /^\{"architecture": \["This field is required\."\], "mac_addresses": \["This field is required\."\]\}$/],
    [await machine('architecture=z80&mac_addresses=x'), /"'z80\/generic' is not a valid architecture\. {2}It should be one of: 'amd64\/generic', 'arm64\/generic'\."\], "mac_addresses": \["'x' is not a valid MAC address\."/],
    [await machine(`${good}&hostname=a_b`), /"Host label cannot contain underscore: 'a_b'\."/],
    [await machine(`${good}&hostname=${'a'.repeat(64)}`), /"Name is too long: 'a{64}'\. {2}Maximum allowed is 63 characters\."/],
    [await machine(`${good}&hostname=${'a.'.repeat(128)}`), /"Hostname is too long\. {2}Maximum allowed is 255 characters\."/],
    [await machine(`${good}&hostname=a..b`), /"DNS name contains an empty label\."/],
    [await machine(`${good}&hostname=-a`), /"Label cannot start or end with hyphen: '-a'\."/],
    [await machine(`${good}&hostname=a!`), /"Label contains disallowed characters: 'a!'\."/],
    [(await signed('machines/?zone=x&zone=default')).body, /^\{"zone": \["No such zone\(s\): x\."\]\}$/],
    [(await signed('machines/?pool=x')).body, /"No such pool\(s\): x\."/],
    [(await signed('machines/?owner=nobody')).body, /"No such owner: 'nobody'\."/],
    [(await signed('machines/?arch=z80')).body, /"Architecture not recognised\."/],
    [(await signed('machines/?cpu_count=many')).body, /"Invalid CPU count: number required\."/],
    [(await signed('machines/?mem=much')).body, /"Invalid memory: number of MiB required\."/],
    [(await signed('machines/?name=x')).body, /"No such constraint\."/],
    [(await signed('machines/?op=allocate', form('hostname=x'))).body, /"No such constraint\."/],
    [(await signed('machines/?tags=virtual,x')).body, /"No such tag\(s\): 'x'\."/],
    [(await signed('machines/?mac_address=x')).body, /"'x' is not a valid MAC address\."/],
    [(await signed('machines/?nosuch=x')).body, /^\{"nosuch": \["No such constraint\."\]\}$/],
    [(await signed('machines/?hostname=%00')).body, /^A string literal cannot contain NUL/],
    [(await signed('tags/', form('name=a b'))).body, /^\{"name": \["Enter a valid value\."\]\}$/],
    [(await anonymous('machines/', form('architecture=foo&mac_addresses=52:54:00:aa:00:01'))).body, /is not a valid architecture/]
  ]
  for (const [told, wanted] of rows) t.match(told, wanted)
})

t.test('constraints choose machines', async t => {
  const { signed } = await start(t)
  const rows: Array<[query: string, wanted: string[]]> = [
    ['', ['swift-otter', 'calm-heron', 'brave-lynx', 'tidy-badger']],
    ['hostname=swift-otter&hostname=tidy-badger', ['swift-otter', 'tidy-badger']],
    ['id=k6pd9r', ['brave-lynx']],
    ['not_id=k6pd9r&not_hostname=swift-otter&not_domain=elsewhere', ['calm-heron', 'tidy-badger']],
    ['not_domain=maas', []],
    ['power_state=off', ['tidy-badger']],
    ['not_power_state=unknown&not_arch=arm64', ['calm-heron', 'tidy-badger']],
    ['not_arch=amd64', []],
    ['not_owner=admin', ['brave-lynx', 'tidy-badger']],
    ['mac_address=52:54:00:1C:8E:04', ['tidy-badger']],
    ['domain=elsewhere', []],
    ['domain=maas&zone=default&pool=default&arch=amd64&status=ready', ['tidy-badger']],
    ['not_in_zone=default', []],
    ['not_in_pool=default', []],
    ['arch=amd64/generic&cpu_count=4&mem=8192&tags=virtual', ['swift-otter']],
    ['cpu_count=5', []],
    ['mem=8193', []],
    ['owner=admin&not_tags=virtual', ['calm-heron']],
    ['agent_name=me&storage=10', ['swift-otter', 'calm-heron', 'brave-lynx', 'tidy-badger']]
  ]
  for (const [query, wanted] of rows) {
    t.strictSame(JSON.parse((await signed(`machines/?${query}`)).body).map(({ hostname }: { hostname: string }) => hostname), wanted, query)
  }
})

t.test('an image is uploaded in chunks', async t => {
  const { signed, standIn } = await start(t)
  const image = Buffer.from('an image of three chunks')
  const sha256 = createHash('sha256').update(image).digest('hex')
  const announce = (fields: string) => form(`name=custom&architecture=amd64/generic&${fields}`)
  t.match(await signed('boot-resources/', form('name=custom')), { status: 400, body: /"architecture": .*"sha256": .*"size": / })
  t.equal((await signed('boot-resources/', announce('sha256=x&size=1'), standIn.user)).status, 403)
  const made = await signed('boot-resources/', announce(`sha256=${sha256}&size=${image.length}&title=Custom`))
  t.equal(made.status, 201)
  const { upload_uri: uri } = JSON.parse(made.body).sets['1'].files['root.tgz']
  const put = async (chunk: Buffer, path = uri.slice(API.length)) => await signed(path, { method: 'PUT', headers: [['Content-Type', 'application/octet-stream']], body: chunk })
  for (const at of [0, 8, 16]) t.equal((await put(image.subarray(at, at + 8))).status, 200)
  t.match(JSON.parse((await signed('boot-resources/1/')).body), { title: 'Custom', sets: { 1: { complete: true } } })
  t.equal(JSON.parse((await signed('boot-resources/')).body).length, 1)
  t.equal((await signed('boot-resources/?op=is_importing')).body, 'false')
  t.match(await put(image), { status: 400, body: 'Too much data received.' })
  t.equal((await signed('boot-resources/', announce('sha256=0&size=2'))).status, 201)
  t.match(await put(Buffer.from('ab'), 'boot-resources/2/upload/2/'), { status: 400, body: 'Saved content does not match given SHA256 value.' })
  t.equal((await signed('boot-resources/1/', { method: 'DELETE' })).status, 204)
  t.match(await signed('boot-resources/1/'), { status: 404, body: 'No BootResource matches the given query.' })
})

t.test('scripts, whose paths end without a slash', async t => {
  const { signed } = await start(t)
  t.match(await signed('scripts/', form('script=x')), { status: 400, body: '{"name": ["This field is required."]}' })
  t.match(await signed('scripts/', form('name=burn-in')), { status: 400, body: '{"script": ["This field is required."]}' })
  t.match(JSON.parse((await signed('scripts/', form('name=op-burn&script=one&tags=a, b,'))).body), { type_name: 'Testing script', tags: ['a', 'b'], resource_uri: `${API}scripts/op-burn` })
  t.match(await signed('scripts/', form('name=op-burn&script=two')), { status: 400, body: '{"name": ["Script with this Name already exists."]}' })
  const { type, body } = multipart([{ name: 'name', value: 'setup' }, { name: 'type', value: 'commissioning' }, { name: 'script', value: '#!/bin/sh', filename: 'setup.sh' }])
  t.match(JSON.parse((await signed('scripts/', { method: 'POST', headers: [['Content-Type', type]], body })).body), { type: 0, type_name: 'Commissioning script' })
  t.match(await signed('scripts/', form('name=odd&type=nosuch&script=x')), { status: 200 })
  t.equal((await signed('scripts/setup?op=download')).body, '#!/bin/sh')
  t.match(JSON.parse((await signed('scripts/op-burn', { ...form('title=Burn'), method: 'PUT' })).body), { title: 'Burn' })
  t.match(JSON.parse((await signed('scripts/1', { ...form('script=three'), method: 'PUT' })).body), { title: 'Burn' }, 'by its number too')
  t.equal((await signed('scripts/op-burn?op=download')).body, 'three')
  t.equal(JSON.parse((await signed('scripts/')).body).length, 3)
  t.equal((await signed('scripts/setup', { method: 'DELETE' })).status, 204)
  t.match(await signed('scripts/setup'), { status: 404, body: 'No Script matches the given query.' })
  t.equal((await signed('scripts/setup/')).status, 404, 'with a slash there is no such path')
})

t.test('the addresses of the parts of a machine lead to them', async t => {
  const { signed, standIn } = await start(t)
  const machine = JSON.parse((await signed('nodes/w8fc3n/')).body)
  t.equal(machine.hostname, 'tidy-badger')
  for (const [field, path] of [['interface_set', 'interfaces'], ['blockdevice_set', 'blockdevices']] as const) {
    t.strictSame(JSON.parse((await signed(`nodes/w8fc3n/${path}/`)).body), machine[field])
    const [part] = machine[field]
    t.strictSame(JSON.parse((await signed(part.resource_uri.slice(API.length))).body), part)
    t.strictSame(JSON.parse((await signed(`nodes/w8fc3n/${path}/${part.name}/`)).body), part, 'by its name too')
    t.match(await signed(`nodes/w8fc3n/${path}/99/`), { status: 404, body: /^No (?:Interface|PhysicalBlockDevice) matches the given query\.$/ })
  }
  t.match(await signed('nodes/nosuch/'), { status: 404, body: 'No Node matches the given query.' })
  t.equal((await signed('nodes/tb3h8w/', {}, standIn.user)).status, 403)
})

t.test('what a new MAAS has of its own, and what the stand-in does not have', async t => {
  const { signed, anonymous } = await start(t)
  const rows: Array<[path: string, status: number, body: RegExp]> = [
    ['zones/', 200, /"name": "default"/], ['zones/default/', 200, /"id": 1/], ['zones/x/', 404, /^No Zone matches the given query\.$/],
    ['resourcepools/', 200, /"Default pool"/], ['resourcepool/0/', 200, /"Default pool"/], ['domains/0/', 200, /"maas"/],
    ['subnets/1/', 200, /192\.0\.2\.0\/24/], ['subnets/192.0.2.0%2F24/', 200, /"id": 1/], ['subnets/192.0.2.0/24/', 200, /"id": 1/],
    ['subnets/1/?op=statistics', 501, /^The stand-in for MAAS does not have GET statistics subnets\/\{cidr\}\/\.$/],
    ['vlans/5/', 404, /^No VLAN matches/], ['spaces/', 200, /^\[\]$/], ['spaces/1/', 404, /^No Space matches/], ['events/?op=query', 501, /does not have GET query events/],
    ['reservedips/', 200, /^\[\]$/]
  ]
  for (const [path, status, body] of rows) t.match(await signed(path), { status, body }, path)
  t.match(await signed('machines/w8fc3n/?op=lock', form('')), { status: 501, body: 'The stand-in for MAAS does not have POST lock machines/{system_id}/.' })
  t.match(await signed('machines/nosuch/?op=lock', form('')), { status: 404, body: 'No Machine matches the given query.' })
  t.equal((await anonymous('subnets/')).status, 401)
  t.equal((await signed('machines/?op=add_chassis', form(''))).status, 501)
  const { signed: signedOld } = await start(t, { version: '3.4', now: () => NOW })
  t.equal((await signedOld('reservedips/')).status, 404, '3.4 does not have it')
})

t.test('a cookie of a session or of CSRF that MAAS did not make', async t => {
  const cookies = async (version: '3.4' | '3.7', cookie: string) => {
    const { signed } = await start(t, { version, now: () => NOW })
    return (await signed('users/?op=whoami', { headers: [['Cookie', cookie]] })).headers['set-cookie']
  }
  const gone = ['sessionid=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax']
  t.strictSame(await cookies('3.7', 'sessionid=x'), gone)
  t.strictSame(await cookies('3.4', 'sessionid=x; csrftoken=x'), gone)
  t.match(await cookies('3.7', 'csrftoken=x'), [/^csrftoken=\w{32}; expires=.* GMT; Max-Age=31449600; Path=\/; SameSite=Lax$/], 'Django 4 makes another')
  t.equal(await cookies('3.7', `csrftoken=${'x'.repeat(32)}`), undefined)
  t.equal(await cookies('3.4', 'csrftoken=x'), undefined)
})

t.test('keys get other names, and two users the same name never', async t => {
  const { signed, standIn } = await start(t)
  t.match(await signed('account/?op=update_token_name', form(`token=${standIn.admin.token}&name=laptop`)), { status: 200, body: 'Accepted' })
  t.match(await signed('account/?op=update_token_name', form(`token=${standIn.admin.consumer}:${standIn.admin.token}:x&name=desk`)), { status: 200 })
  t.match(JSON.parse((await signed('account/?op=list_authorisation_tokens')).body), [{ name: 'desk' }])
  const create = async () => await signed('users/', form('username=grace&email=g@example.com&password=x&is_superuser=0'))
  t.equal((await create()).status, 200)
  t.match(await create(), { status: 409, headers: { 'retry-after': '5', 'transfer-encoding': 'chunked' }, body: /Conflict error\. Try your request again/ })
  t.match(await signed('users/admin/', { method: 'DELETE' }), { status: 400, body: 'An administrator cannot self-delete.' })
  t.equal((await signed('users/grace/', { method: 'DELETE' })).status, 204)
  t.equal((await signed('users/grace/', { method: 'DELETE' })).status, 204, 'gone is gone')
})

t.test('a method of any name, and several requests on a connection', async t => {
  const { standIn } = await start(t)
  const text = (method: string, close = '') => `${method} ${API}version/ HTTP/1.1\r\nHost: x\r\n${close}\r\n`
  const answer = await raw(standIn.port, text('PURGE-IT') + text('GET', 'Connection: close\r\n'))
  t.match(answer, /^HTTP\/1.1 405 Method Not Allowed\r\n[^]*HTTP\/1.1 200 OK\r\n/)
  t.match(standIn.records.map(({ method }) => method), ['PURGE-IT', 'GET'])
  t.match(await raw(standIn.port, text('get')), /^HTTP\/1.1 400 Bad Request\r\n/)
})
