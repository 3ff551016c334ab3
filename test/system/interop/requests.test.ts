import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startStandIn, type StandInRecord } from '../../../src/demo/stand-in/index.ts'
import { type Ask, ask, sign } from '../../helper/maas-client.ts'
import { startTestProxy, testConfig } from '../../helper/proxy.ts'
import { makeHome } from './child.ts'
import { readInsomnia, readPostman, toAsk } from './exports.ts'

/*
 * The clients that Debian does not package, by the requests that they make: line by line as they stand in the client's
 * source, which is named. Each has the key x:x:TOKEN: for a proxy that asks for no tokens it is a key like any, for one
 * that does it names the client.
 */

const API = '/MAAS/api/2.0/'
const NOW = Math.floor(Date.now() / 1000)
const TOKEN = '5f0e1d2c3b4a59687706f5e4d3c2b1a0'

/** Whether the proxy asks for tokens, with the end of a title. */
const PROXIES = [[false, ''], [true, ' (with a token in the key)']] as const

async function start (t: Tap, asksForToken = false) {
  const records: StandInRecord[] = []
  const maas = await startStandIn({ onRequest: record => { records.push(record) } })
  t.after(() => maas.close())
  const { consumer, token, secret } = maas.admin
  const proxy = await startTestProxy(t, testConfig(maas.url, asksForToken ? { clientTokenFile: [writeTokens(makeHome(t))] } : {}, `${consumer}:${token}:${secret}`))
  const origin = `http://localhost:${proxy.port}`
  const say = async ({ headers = [], ...rest }: Ask) => await ask(proxy.port, { ...rest, headers: [['Host', `localhost:${proxy.port}`], ...headers] })
  /** the keys there are, asked of MAAS itself */
  const keys = async () => JSON.parse((await ask(maas.port, { path: `${API}account/?op=list_authorisation_tokens`, headers: [['Authorization', sign(maas.admin, NOW)]] })).body)
  return { maas, records, proxy, origin, say, keys }
}

type Tap = Pick<typeof t, 'after'>

function writeTokens (directory: string): string {
  const file = join(directory, 'tokens')
  writeFileSync(file, `tool ${TOKEN}\n`, { mode: 0o600 })
  return file
}

/** How the `maas` CLI and python-libmaas encode a form: with Python's email package, every part in base64. */
function mimeForm (parts: ReadonlyArray<{ name: string, value: string | Buffer, isFile?: true }>): Pick<Ask, 'headers' | 'body'> {
  const boundary = '===============4272231320449195157=='
  const encoded = parts.map(({ name, value, isFile }) => [
    `--${boundary}`, 'Content-Transfer-Encoding: base64', `Content-Disposition: form-data; name="${name}"${isFile ? `; filename="${name}"` : ''}`, 'MIME-Version: 1.0',
    isFile ? 'Content-Type: application/octet-stream' : 'Content-Type: text/plain; charset="utf-8"', '', Buffer.from(value).toString('base64').replace(/.{76}(?=.)/g, '$&\r\n'), '', ''
  ].join('\r\n'))
  return { headers: [oauthlib(), ['Content-Type', `multipart/form-data; boundary="${boundary}"`], ['MIME-Version', '1.0']], body: `${encoded.join('')}--${boundary}--` }
}

/** As oauthlib makes it. */
const oauthlib = (): [string, string] => ['Authorization', `OAuth oauth_nonce="${Math.random().toString().slice(2)}${NOW}", oauth_timestamp="${NOW}", oauth_version="1.0", oauth_signature_method="PLAINTEXT", oauth_consumer_key="x", oauth_token="x", oauth_signature="%26${TOKEN}"`]

for (const [asksForToken, how] of PROXIES) {
  t.test(`the maas CLI: login, read, create, upload (maascli/auth.py, api.py)${how}`, async t => {
    const { maas, records, origin, say } = await start(t, asksForToken)
    const HTTPLIB2: Array<[string, string]> = [['user-agent', 'Python-httplib2/0.20.4 (gzip)'], ['accept-encoding', 'gzip, deflate']]

    const whoami = await say({ path: `${API}users/?op=whoami`, headers: [oauthlib(), ...HTTPLIB2] })
    t.equal(whoami.status, 200, 'check_valid_apikey: 200 is a valid key, 401 none, anything else an error')
    const described = await say({ path: `${API}describe/`, headers: HTTPLIB2 })
    t.equal(described.headers['content-type'], 'application/json', 'fetch_api_description compares the type with ==')
    t.equal(records.at(-1)?.user, null, 'describe/ is asked for unsigned')
    const description = JSON.parse(described.body)
    t.equal(whoami.headers['x-maas-api-hash'], description.hash, 'compare_api_hashes warns at every call if these differ')

    const { path } = description.resources.find(({ name }: { name: string }) => name === 'MachinesHandler').auth
    t.equal(`${origin}${path}`, `${origin}${API}machines/`, 'a request goes to scheme, host and port of the profile and to this path')
    t.equal((await say({ path, headers: [oauthlib(), ...HTTPLIB2] })).status, 200, 'machines read')
    t.equal(records.at(-1)?.user, 'admin', 'signed')

    const created = await say({ method: 'POST', path: `${API}tags/`, ...mimeForm([{ name: 'name', value: 'blue' }, { name: 'comment', value: 'sky & sea' }]) })
    t.match(JSON.parse(created.body), { name: 'blue', comment: 'sky & sea' }, 'tags create name=blue')
    const content = Buffer.from([...Array(256).keys()])
    t.equal((await say({ method: 'POST', path: `${API}files/`, ...mimeForm([{ name: 'filename', value: 'f' }, { name: 'file', value: content, isFile: true }]) })).status, 201, 'files create filename=f file@=f')
    t.ok((await say({ path: `${API}files/?op=get&filename=f`, headers: [oauthlib()] })).bytes.equals(content), 'files get filename=f')
    t.equal((await say({ method: 'PUT', path: `${API}tags/blue/`, ...mimeForm([{ name: 'comment', value: 'sea' }]) })).status, 200, 'tag update blue comment=sea')
    t.equal((await say({ method: 'DELETE', path: `${API}tags/blue/`, headers: [['content-length', '0'], oauthlib()] })).status, 204, 'tag delete blue')

    const direct = await ask(maas.port, { path: `${API}describe/` })
    t.equal(JSON.parse(direct.body).hash, description.hash, 'the description has the hash that MAAS gave it')
  })
}

t.test('a login without a key mints none', async t => {
  const { records, say, keys } = await start(t)
  const before = await keys()
  // maascli/auth.py get_apikey_via_macaroon, by python-requests; libmaas has two slashes. Anything but 200 makes them
  // ask for a key.
  for (const path of [`${API}account/?op=create_authorisation_token`, `${API.slice(0, -1)}//account/?op=create_authorisation_token`]) {
    const refused = await say({ method: 'POST', path, headers: [['User-Agent', 'python-requests/2.28.1'], ['Accept-Encoding', 'gzip, deflate'], ['Accept', '*/*'], ['Connection', 'keep-alive']], body: '' })
    t.equal(refused.status, 403, path)
    t.equal(refused.headers['maas-proxy-error'], 'MAAS_PROXY_CREDENTIAL_OPERATION_REFUSED', 'by the proxy')
  }
  // libmaas with a user and a password (utils/login.py): the first request is anonymous, the second not for this proxy.
  t.equal((await say({ path: `${API}version/` })).status, 200, 'the version')
  t.equal((await say({ method: 'POST', path: '/MAAS/accounts/authenticate/', headers: [['Content-Type', 'application/x-www-form-urlencoded']], body: 'username=admin&password=x' })).status, 404, 'the login of the web UI')
  t.strictSame(records.map(({ url }) => url), [`${API}account/?op=list_authorisation_tokens`, `${API}version/`], 'nothing of it has reached MAAS')
  t.strictSame(await keys(), before, 'and there are the keys that there were')
})

for (const [asksForToken, how] of PROXIES) {
  t.test(`python-libmaas 0.6.8 and maas CLIs up to 3.1: they follow the absolute uri of the description (bones/__init__.py)${how}`, async t => {
    const { records, proxy } = await start(t, asksForToken)
    const AIOHTTP: Array<[string, string]> = [['Accept', '*/*'], ['Accept-Encoding', 'gzip, deflate'], ['User-Agent', 'Python/3.10 aiohttp/3.8.1']]
    for (const host of [`localhost:${proxy.port}`, `127.0.0.1:${proxy.port}`]) {
      const described = await ask(proxy.port, { path: `${API}describe/`, headers: [['Host', host], ...AIOHTTP] })
      const { resources } = JSON.parse(described.body)
      const uris: string[] = resources.flatMap(({ anon, auth }: Record<string, { uri: string } | null>) =>
        [anon, auth].flatMap(handler => handler?.uri ?? []))
      t.ok(uris.length > 10, 'there are some')
      t.strictSame(uris.filter(uri => !uri.startsWith(`http://${host}${API}`)), [], `every one leads back to the proxy, as it was called: ${host}`)
      const users = new URL(String(uris.find(uri => uri.endsWith('/users/'))))
      const [name, authorization] = oauthlib()
      const headers: Ask['headers'] = [['Host', host], [name, authorization.replace('OAuth ', 'OAuth realm="OAuth",')], ...AIOHTTP, ['Accept', 'application/json,*/*;q=0.9']]
      t.equal((await ask(proxy.port, { path: `${users.pathname}?op=whoami`, headers })).status, 200, 'users.whoami')
      t.equal(records.at(-1)?.user, 'admin', 'signed')
    }
  })
}

for (const [asksForToken, how] of PROXIES) {
  t.test(`terraform-provider-maas: no probe, many requests at once (gomaasclient client/api_client.go)${how}`, async t => {
    const { records, say } = await start(t, asksForToken)
    const go = (): Array<[string, string]> => [
      ['User-Agent', 'Go-http-client/1.1'],
      ['Authorization', `OAuth oauth_signature_method="PLAINTEXT", oauth_version="1.0", realm="MAAS+API", oauth_nonce="${'0f'.repeat(16)}", oauth_signature="%26${TOKEN}", oauth_consumer_key="x", oauth_timestamp="${NOW}", oauth_token="x"`],
      ['Accept-Encoding', 'gzip']
    ]
    const form: [string, string] = ['Content-Type', 'application/x-www-form-urlencoded']
    const rows = [...Array(20).keys()].flatMap(i => [
      { ask: { path: `${API}machines/`, headers: go() }, status: 200 },
      { ask: { method: 'POST', path: `${API}tags/`, headers: [form, ...go()], body: `comment=&name=t${i}` }, status: 200 }
    ])
    const got = await Promise.all(rows.map(async row => (await say(row.ask)).status))
    t.strictSame(got, rows.map(({ status }) => status), 'reads and creates')
    const left = await Promise.all([...Array(20).keys()].map(async i => (await say({ method: 'DELETE', path: `${API}tags/t${i}/`, headers: go() })).status))
    t.strictSame(left, Array(20).fill(204), 'deletes')
    const headers = records.map(({ rawHeaders }) => rawHeaders[rawHeaders.indexOf('Authorization') + 1])
    t.equal(new Set(headers).size, 60, 'each signed anew, though the client sent one nonce')
  })
}

for (const [asksForToken, how] of PROXIES) {
  t.test(`Ansible, collection maas.maas: one header for all requests, a form cut close (module_utils/client.py, auth.py, form.py)${how}`, async t => {
    const { maas, say } = await start(t, asksForToken)
    const authorization = (key: { consumer: string, token: string, secret: string }): [string, string] =>
      ['Authorization', `OAuth oauth_nonce="1234567890${NOW}", oauth_timestamp="${NOW}", oauth_version="1.0", oauth_signature_method="PLAINTEXT", oauth_consumer_key="${key.consumer}", oauth_token="${key.token}", oauth_signature="%26${key.secret}"`]
    const common = (key = { consumer: 'x', token: 'x', secret: TOKEN }): Array<[string, string]> => [['Accept-Encoding', 'identity'], ['User-Agent', 'ansible-httpget'], ['Accept', 'application/json'], authorization(key), ['Connection', 'close']]
    const boundary = 'abcdefghijklmnoprstuvzABCDEFGHIJ'
    const part = (name: string, value: string) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
    const multipart: Pick<Ask, 'method' | 'headers' | 'body'> = { method: 'POST', headers: [...common(), ['Content-type', `multipart/form-data; boundary="${boundary}"`]], body: `${part('name', 'green')}${part('comment', 'leaf')}--${boundary}--` }

    t.equal((await say({ path: `${API}machines/`, headers: common() })).status, 200, 'machine_info')
    t.match(JSON.parse((await say({ path: `${API}tags/`, ...multipart })).body), { name: 'green', comment: 'leaf' }, 'the second request, with the nonce of the first')
    t.equal((await say({ method: 'DELETE', path: `${API}tags/green/`, headers: common() })).status, 204, 'the third')
    const direct = async () => (await ask(maas.port, { path: `${API}machines/`, headers: common(maas.admin) })).status
    t.strictSame([await direct(), await direct()], [200, 401], 'which MAAS itself does not take twice')
    const unquoted: [string, string] = ['Authorization', authorization({ consumer: 'x', token: 'x', secret: TOKEN })[1].replaceAll('"', '')]
    t.equal((await say({ path: `${API}machines/`, headers: [unquoted] })).status, 200, 'earlier releases quoted nothing')
  })
}

for (const [asksForToken, how] of PROXIES) {
  t.test(`Cluster API, maas-client-go: an HMAC signature, operations in forms, TOKEN as the second part of its key (maasclient/client.go, oauth1/oauth1.go)${how}`, async t => {
    const { records, proxy, say } = await start(t, asksForToken)
    const hmac = (parameters: Record<string, string> = {}): Array<[string, string]> => [
      ['User-Agent', 'Go-http-client/1.1'], ['Accept', 'application/json; charset=utf-8'],
      ['Authorization', `OAuth ${Object.entries({ oauth_signature: 'c2lnbmF0dXJl+x/=', oauth_timestamp: String(NOW), ...parameters, oauth_nonce: 'Rb4uXqZ', oauth_consumer_key: 'x', oauth_signature_method: 'HMAC-SHA1', oauth_token: TOKEN, oauth_version: '1.0' }).map(([name, value]) => `${name}="${new URLSearchParams({ v: value }).toString().slice(2)}"`).join(', ')}`],
      ['Content-Type', 'application/x-www-form-urlencoded'], ['Accept-Encoding', 'gzip']
    ]
    t.equal((await say({ path: `${API}users/?op=whoami`, headers: hmac({ op: 'whoami' }) })).status, 200, 'a read')
    const allocated = await say({ method: 'POST', path: `${API}machines/`, headers: hmac({ op: 'allocate', tags: 'a, b' }), body: 'op=allocate&zone=default' })
    t.equal(records.at(-1)?.user, 'admin', `signed: ${allocated.status}`)
    t.match(await proxy.logged(({ msg }) => msg === 'audit'), { op: 'allocate', client: asksForToken ? 'tool' : undefined }, 'and the audit has its operation')
  })
}

t.test('n8n: the HTTP Request node without authentication (axios)', async t => {
  const { say } = await start(t)
  const answer = await say({ path: `${API}machines/`, headers: [['accept', 'application/json,text/html,application/xhtml+xml,application/xml,text/*;q=0.9, image/*;q=0.8, */*;q=0.7'], ['User-Agent', 'n8n'], ['Accept-Encoding', 'gzip, compress, deflate, br'], ['Connection', 'close']] })
  t.equal(answer.status, 200, 'a read')
  t.equal(answer.headers['content-encoding'], undefined, 'which MAAS does not compress')
  t.equal((await say({ method: 'POST', path: `${API}tags/`, headers: [['content-type', 'application/json'], ['accept', 'application/json']], body: '{"name":"n8n"}' })).status, 200, 'a create, as JSON')
})

for (const [tool, exported] of [['Postman', readPostman()], ['Insomnia', readInsomnia()]] as const) {
  t.test(`${tool}: a collection made for MAAS itself, with the address of the proxy and a placeholder put in`, async t => {
    const { records, say } = await start(t)
    for (const request of exported) {
      t.ok(request.url.startsWith('http://localhost:5241/MAAS/api/2.0/'), 'exported for the default address')
      const answer = await say(toAsk(request, NOW))
      if (request.oauth?.place === 'query') {
        t.equal(answer.headers['maas-proxy-error'], 'MAAS_PROXY_OAUTH_PARAMETER_PRESENT', `${request.name}: MAAS itself fails on it`)
        t.match(answer.body, /the proxy signs the request/, 'and one is told what to change')
      } else {
        t.ok(answer.status < 300, `${request.name}: ${answer.status}`)
        t.equal(records.at(-1)?.user, 'admin', 'signed by the proxy')
      }
    }
  })
}

t.test("the address on MAAS's page on API authentication is that of API 1.0, of which MAAS says that it is gone", async t => {
  const { maas, say } = await start(t)
  const path = '/MAAS/api/1.0/nodes/?op=list'
  const [proxied, direct] = [await say({ path, headers: [oauthlib()] }), await ask(maas.port, { path, headers: [['Authorization', sign(maas.admin, NOW)]] })]
  t.strictSame([proxied.status, proxied.body], [410, direct.body], 'through the proxy as directly')
})
