import { multipart, parameters, sign } from '../helper/maas-client.ts'
import type { Ask, Key, Told } from '../helper/maas-client.ts'

/** The clock of the MAAS that was observed. */
export const NOW = 1795504581

/** What the rows share: keys, and what earlier answers have told. */
export interface Context {
  admin: Key & { password: string }
  user: Key
  cookie: string
  fileKey: string
  tokenKey: string
}

/** A body that starts so, once every run of white space is one space. */
export interface Start { start: string }

/** What a MAAS 3.4.10 answered, and how it was asked. */
export interface Observation {
  name: string
  ask: Ask | ((context: Context) => Ask)
  status: number
  type: string
  body: string | Start | ((context: Context) => string | Buffer)
  /** Where the stand-in's answer is not the one observed. */
  deviation?: string
  /** What later rows need of the answer. */
  keep?: (told: Told, context: Context) => void
}

const API = '/MAAS/api/2.0/'
const FORM: [string, string] = ['Content-Type', 'application/x-www-form-urlencoded']
const JSON_BODY: [string, string] = ['Content-Type', 'application/json']
const DUMMY = { consumer: 'dummy', token: 'dummy', secret: 'dummy' }
const OBS_BIN = Buffer.alloc(6_000_000, Uint8Array.of(0, 255, 7, 254))

type Changes = Record<string, string | undefined>
const auth = (value: string): [string, string] => ['Authorization', value]
/** Signed with the administrator's key, changed as told. */
const signed = (path: string, changes: Changes = {}, ask: Partial<Ask> = {}) => ({ admin }: Context): Ask =>
  ({ path: API + path, ...ask, headers: [auth(sign(admin, NOW, changes)), ...ask.headers ?? []] })
const whoami = (changes: Changes = {}) => signed('users/?op=whoami', changes)
const headed = (header: (context: Context) => string) => (context: Context): Ask =>
  ({ path: `${API}users/?op=whoami`, headers: [auth(header(context))] })
const dummy = (path: string, ask: Partial<Ask> = {}): Ask =>
  ({ path: API + path, ...ask, headers: [auth(sign(DUMMY, NOW)), ...ask.headers ?? []] })
const form = (body: string): Partial<Ask> => ({ method: 'POST', headers: [FORM], body })
const json = (body: unknown): Partial<Ask> => ({ method: 'POST', headers: [JSON_BODY], body: JSON.stringify(body) })
const upload = (filename: string, value: Buffer | string, chunked = false): Partial<Ask> => {
  const { type, body } = multipart([{ name: 'filename', value: filename }, { name: 'file', value, filename: 'x' }])
  return { method: 'POST', headers: [['Content-Type', type]], body, chunked }
}
const query = (key: Key, changes: Changes = {}) => parameters(key, NOW, changes).map(([name, value]) => `${name}=${value}`).join('&')

const ADMIN = { start: '{ "is_superuser": true, "username": "admin", "email": "admin@example.com", "is_local": true, "resource_uri": "' }
const VERSION = { start: '{"capabilities": ["networks-management", "static-ipaddresses", "ipv6-deployment-ubuntu", "devices-management", ' }
const CHANGED_SIZE = 'dictionary changed size during iteration'
const INVALID_KEY = 'Authorization Error: Invalid API key.'
const SECRET = ({ admin }: Context) => `Authorization Error: 'Invalid signature. Expected signature base string: &${admin.secret}'`
const nginx = (status: string): Start => ({ start: `<html> <head><title>${status}</title></head> <body> <center><h1>${status}</h1></center> <hr><center>nginx/1.22.1</center>` })
/** The order of fields is that of a set of Python, another one with each start of MAAS. */
const ENLISTED = { start: '{ "' }
const MACHINES = { start: '[ { "' }
const FOUR_MACHINES = 'the MAAS observed had no machine: []'
const tagBody = (name: string, comment = ''): Start =>
  ({ start: `{ "name": "${name}", "definition": "", "comment": "${comment}", "kernel_opts": "", "resource_uri": "/MAAS/api/2.0/tags/${name}/" }` })
const fileBody = (name: string, open = '{'): Start => ({ start: `${open} "filename": "${name}", "anon_resource_uri": "/MAAS/api/2.0/files/?op=get_by_key&key=` })
const SESSION = { start: '{ "id": 1, "password": "pbkdf2_sha256$260000$' }

/** Every row, in the order in which they were asked. A refused signature (text/html, 401) carries WWW-Authenticate. */
export const observations: Observation[] = [
  { name: 'version, anonymous', ask: { path: `${API}version/` }, status: 200, type: 'application/json', body: VERSION },
  { name: 'api/version (not the API proper)', ask: { path: '/MAAS/api/version/' }, status: 200, type: 'text/plain', body: '2.0' },
  {
    name: 'describe document, anonymous',
    ask: { path: `${API}describe/` },
    status: 200,
    type: 'application/json',
    body: { start: '{"doc": "MAAS API", "handlers": [{"actions": [{"doc": "' },
    deviation: 'fewer handlers, in words of their own'
  },
  { name: 'whoami, anonymous', ask: { path: `${API}users/?op=whoami` }, status: 401, type: 'text/plain', body: 'Forbidden' },
  { name: 'GET machines, anonymous', ask: { path: `${API}machines/` }, status: 400, type: 'text/plain', body: 'Unrecognised signature: method=GET op=None' },
  { name: 'GET files, anonymous', ask: { path: `${API}files/` }, status: 400, type: 'text/plain', body: 'Unrecognised signature: method=GET op=None' },
  { name: 'unknown op on a handler that has an anonymous part (machines)', ask: { path: `${API}machines/?op=nosuch` }, status: 400, type: 'text/plain', body: 'Unrecognised signature: method=GET op=nosuch' },
  { name: 'unknown path under the API', ask: { path: `${API}nosuch/` }, status: 404, type: 'text/plain', body: 'Unknown API endpoint: /MAAS/api/2.0/nosuch/.' },
  { name: 'no trailing slash', ask: { path: `${API}version` }, status: 404, type: 'text/plain', body: 'Unknown API endpoint: /MAAS/api/2.0/version.' },
  { name: 'POST without trailing slash, anonymous', ask: { path: `${API}files`, ...form('') }, status: 404, type: 'text/plain', body: 'Unknown API endpoint: /MAAS/api/2.0/files.' },
  { name: 'API 1.0', ask: { path: '/MAAS/api/1.0/nodes/' }, status: 410, type: 'text/plain', body: 'The 1.0 API is no longer available. Please use API version 2.0.' },
  { name: '/MAAS/', ask: { path: '/MAAS/' }, status: 301, type: 'text/html', body: nginx('301 Moved Permanently') },
  { name: 'whoami, PLAINTEXT header', ask: whoami(), status: 200, type: 'application/json', body: ADMIN },
  { name: 'whoami, with realm="" first', ask: headed(({ admin }) => sign(admin, NOW).replace('OAuth ', 'OAuth realm="", ')), status: 200, type: 'application/json', body: ADMIN },
  { name: 'whoami, without oauth_version', ask: whoami({ oauth_version: undefined }), status: 200, type: 'application/json', body: ADMIN },
  { name: 'whoami, signature not percent-encoded (&SECRET)', ask: headed(({ admin }) => sign(admin, NOW, { oauth_signature: `&${admin.secret}` })), status: 200, type: 'application/json', body: ADMIN },
  { name: 'whoami, lower-case scheme (oauth ...)', ask: headed(({ admin }) => sign(admin, NOW).replace('OAuth ', 'oauth ')), status: 401, type: 'text/html', body: "Authorization Error: 'Parameter not found: oauth_consumer_key'" },
  { name: 'whoami, values unquoted', ask: headed(({ admin }) => sign(admin, NOW).replaceAll('"', '')), status: 200, type: 'application/json', body: ADMIN },
  { name: 'version, signed', ask: signed('version/'), status: 200, type: 'application/json', body: VERSION },
  { name: 'HEAD machines, signed', ask: signed('machines/', {}, { method: 'HEAD' }), status: 405, type: 'text/html', body: '' },
  { name: 'GET machines, signed', ask: signed('machines/'), status: 200, type: 'application/json', body: MACHINES, deviation: FOUR_MACHINES },
  { name: 'no trailing slash, signed GET', ask: signed('machines'), status: 404, type: 'text/plain', body: 'Unknown API endpoint: /MAAS/api/2.0/machines.' },
  { name: 'OPTIONS, signed', ask: signed('machines/', {}, { method: 'OPTIONS' }), status: 405, type: 'text/html', body: '' },
  { name: 'PATCH, signed', ask: signed('machines/', {}, { method: 'PATCH' }), status: 405, type: 'text/html', body: '' },
  { name: 'wrong op, signed', ask: signed('users/?op=nosuch'), status: 400, type: 'text/plain', body: 'Unrecognised signature: method=GET op=nosuch' },
  { name: 'bad secret', ask: whoami({ oauth_signature: '%26wrong' }), status: 401, type: 'text/html', body: SECRET },
  { name: 'secret without the leading & (signature=SECRET)', ask: headed(({ admin }) => sign(admin, NOW, { oauth_signature: admin.secret })), status: 401, type: 'text/html', body: SECRET },
  { name: 'bad consumer', ask: whoami({ oauth_consumer_key: 'nosuchconsumer' }), status: 401, type: 'text/html', body: INVALID_KEY },
  { name: 'bad token', ask: whoami({ oauth_token: 'nosuchtoken' }), status: 401, type: 'text/html', body: "Authorization Error: 'Invalid access token: nosuchtoken'" },
  { name: 'dummy key all wrong', ask: dummy('users/?op=whoami'), status: 401, type: 'text/html', body: INVALID_KEY },
  { name: 'bad consumer on an anonymous-readable path (version)', ask: dummy('version/'), status: 200, type: 'application/json', body: VERSION },
  { name: 'timestamp 299 s old', ask: whoami({ oauth_timestamp: String(NOW - 299) }), status: 200, type: 'application/json', body: ADMIN },
  { name: 'timestamp 400 s old', ask: whoami({ oauth_timestamp: String(NOW - 400) }), status: 401, type: 'text/html', body: "Authorization Error: 'Expired timestamp: given 1795504181 and now 1795504581, has a greater difference than threshold 300'", deviation: 'that piston wrote no comma' },
  { name: 'timestamp a day in the future', ask: whoami({ oauth_timestamp: String(NOW + 86_400) }), status: 200, type: 'application/json', body: ADMIN },
  { name: 'timestamp not a number', ask: whoami({ oauth_timestamp: 'abc' }), status: 500, type: 'text/plain', body: "invalid literal for int() with base 10: 'abc'" },
  { name: 'nonce used once', ask: whoami({ oauth_nonce: '358ae66e6507294a125c6a5aad62f38b' }), status: 200, type: 'application/json', body: ADMIN },
  { name: 'the same nonce again', ask: whoami({ oauth_nonce: '358ae66e6507294a125c6a5aad62f38b' }), status: 401, type: 'text/html', body: "Authorization Error: 'Nonce already used: 358ae66e6507294a125c6a5aad62f38b'" },
  { name: 'a nonce with a wrong secret', ask: whoami({ oauth_nonce: 'rolledback', oauth_signature: '%26wrong' }), status: 401, type: 'text/html', body: SECRET },
  { name: '... then the same nonce with the right one', ask: whoami({ oauth_nonce: 'rolledback' }), status: 200, type: 'application/json', body: ADMIN },
  { name: 'no nonce', ask: whoami({ oauth_nonce: undefined }), status: 401, type: 'text/plain', body: 'Forbidden' },
  { name: 'empty nonce', ask: whoami({ oauth_nonce: '' }), status: 200, type: 'application/json', body: ADMIN },
  { name: 'nonce of 256 characters', ask: whoami({ oauth_nonce: 'x'.repeat(256) }), status: 500, type: 'text/plain', body: 'value too long for type character varying(255)\n' },
  { name: 'no timestamp', ask: whoami({ oauth_timestamp: undefined }), status: 401, type: 'text/plain', body: 'Forbidden' },
  { name: 'unknown signature method', ask: whoami({ oauth_signature_method: 'HMAC-SHA256' }), status: 401, type: 'text/html', body: "Authorization Error: 'Signature method HMAC-SHA256 not supported try one of the following: PLAINTEXT, HMAC-SHA1'" },
  { name: 'oauth_version 2.0', ask: whoami({ oauth_version: '2.0' }), status: 200, type: 'application/json', body: ADMIN, deviation: 'that piston looked at the version; those of the recorded MAAS do not' },
  { name: 'everything right, extra comma-separated unknown parameter', ask: whoami({ oauth_unknown: 'x' }), status: 200, type: 'application/json', body: ADMIN },
  { name: 'no space after commas', ask: headed(({ admin }) => sign(admin, NOW).replaceAll(', ', ',')), status: 200, type: 'application/json', body: ADMIN },
  { name: 'realm last', ask: headed(({ admin }) => `${sign(admin, NOW)}, realm="x"`), status: 200, type: 'application/json', body: ADMIN },
  { name: 'a parameter value that contains the word realm (it is skipped: substring test)', ask: whoami({ oauth_nonce: 'realm1' }), status: 401, type: 'text/html', body: "Authorization Error: 'Parameter not found: oauth_nonce'" },
  { name: 'plain user: whoami', ask: headed(({ user }) => sign(user, NOW)), status: 200, type: 'application/json', body: { start: '{ "is_superuser": false, "username": "user", "email": "user@example.com", "is_local": true, "resource_uri": "/' } },
  { name: 'plain user: admin-only POST users', ask: ({ user }) => ({ path: `${API}users/`, ...form('username=x'), headers: [FORM, auth(sign(user, NOW))] }), status: 403, type: 'text/plain', body: 'This method is reserved for admin users.' },
  { name: 'Basic auth', ask: headed(() => 'Basic YWRtaW46YWRtaW4='), status: 401, type: 'text/plain', body: 'Forbidden' },
  { name: 'Bearer', ask: headed(({ admin }) => `Bearer ${admin.consumer}:${admin.token}:${admin.secret}`), status: 401, type: 'text/plain', body: 'Forbidden' },
  { name: 'header cut short', ask: headed(({ admin }) => sign(admin, NOW).replace(/="[^"]*"$/, '')), status: 401, type: 'text/html', body: "Authorization Error: 'Unable to parse OAuth parameters from Authorization header.'" },
  { name: 'two Authorization headers (good first)', ask: ({ admin }) => ({ path: `${API}users/?op=whoami`, headers: [auth(sign(admin, NOW)), auth(sign(DUMMY, NOW))] }), status: 400, type: 'text/html', body: nginx('400 Bad Request') },
  { name: 'two Authorization headers (bad first)', ask: ({ admin }) => ({ path: `${API}users/?op=whoami`, headers: [auth(sign(DUMMY, NOW)), auth(sign(admin, NOW))] }), status: 400, type: 'text/html', body: nginx('400 Bad Request') },
  { name: 'all in the query string, no header', ask: ({ admin }) => ({ path: `${API}users/?op=whoami&${query(admin)}` }), status: 500, type: 'text/plain', body: CHANGED_SIZE },
  { name: 'good header + oauth_consumer_key=dummy in the query', ask: signed('users/?op=whoami&oauth_consumer_key=dummy'), status: 401, type: 'text/html', body: INVALID_KEY },
  { name: 'good header + oauth_signature=dummy in the query', ask: signed('users/?op=whoami&oauth_signature=dummy'), status: 401, type: 'text/html', body: SECRET },
  { name: 'bad header + good everything in the query (query wins)', ask: ({ admin }) => dummy(`users/?op=whoami&${query(admin)}`), status: 500, type: 'text/plain', body: CHANGED_SIZE },
  { name: 'good header + oauth_consumer_key=dummy in a POST form (header wins)', ask: signed('tags/', {}, form('name=never&oauth_consumer_key=dummy')), status: 500, type: 'text/plain', body: CHANGED_SIZE },
  { name: 'query oauth_signature percent-encoded name (oauth%5Fsignature)', ask: signed('users/?op=whoami&oauth%5Fsignature=dummy'), status: 401, type: 'text/html', body: SECRET },
  { name: 'query OAuth_signature (other case)', ask: signed('users/?op=whoami&OAuth_signature=dummy'), status: 200, type: 'application/json', body: ADMIN },
  { name: 'query oauth_signature empty', ask: signed('users/?op=whoami&oauth_signature='), status: 500, type: 'text/plain', body: CHANGED_SIZE },
  { name: 'query x=1;oauth_signature=.. (semicolon)', ask: signed('users/?op=whoami&x=1;oauth_signature=dummy'), status: 200, type: 'application/json', body: ADMIN },
  { name: 'POST form oauth_signature=dummy + good header, on an op that reads nothing', ask: signed('account/?op=create_authorisation_token', {}, form('oauth_signature=dummy')), status: 500, type: 'text/plain', body: CHANGED_SIZE },
  {
    name: 'POST multipart oauth_nonce + good header',
    ask: signed('tags/', {}, { method: 'POST', headers: [['Content-Type', multipart([]).type]], body: multipart([{ name: 'oauth_nonce', value: 'x' }]).body }),
    status: 500,
    type: 'text/plain',
    body: CHANGED_SIZE
  },
  { name: 'POST JSON body with oauth_signature + good header', ask: signed('tags/', {}, json({ name: 'obs-tag3', oauth_signature: 'dummy' })), status: 200, type: 'application/json', body: tagBody('obs-tag3') },
  { name: 'DELETE obs-tag3', ask: signed('tags/obs-tag3/', {}, { method: 'DELETE' }), status: 204, type: 'text/plain', body: '' },
  { name: 'POST form with everything, no header', ask: ({ admin }) => ({ path: `${API}tags/`, ...form(`name=never&${query(admin)}`) }), status: 500, type: 'text/plain', body: CHANGED_SIZE },
  { name: 'POST machines, anonymous (enlistment)', ask: { path: `${API}machines/`, ...form('architecture=amd64&mac_addresses=52:54:00:00:0b:01') }, status: 200, type: 'application/json', body: ENLISTED },
  { name: 'POST machines, anonymous, same MAC again', ask: { path: `${API}machines/`, ...form('architecture=amd64&mac_addresses=52:54:00:00:0b:01') }, status: 200, type: 'application/json', body: ENLISTED },
  { name: 'POST machines, signed, commission=false', ask: signed('machines/', {}, form('architecture=amd64&mac_addresses=52:54:00:00:0b:02&commission=false')), status: 200, type: 'application/json', body: ENLISTED },
  { name: "POST machines, signed (an admin's machine is commissioned at once; no rack here has images)", ask: signed('machines/', {}, form('architecture=amd64&mac_addresses=52:54:00:00:0b:03')), status: 400, type: 'text/plain', body: 'Ephemeral operating system ubuntu focal is unavailable.' },
  { name: 'POST machines op=accept, anonymous', ask: { path: `${API}machines/?op=accept`, ...form('') }, status: 401, type: 'text/plain', body: 'You must be logged in to accept machines.' },
  { name: 'GET one machine, anonymous', ask: { path: `${API}machines/q7mx4e/` }, status: 401, type: 'text/plain', body: 'Forbidden' },
  { name: 'GET one machine, signed, not there', ask: signed('machines/nosuch/'), status: 404, type: 'text/plain', body: 'No Machine matches the given query.' },
  { name: 'POST machines, dummy key', ask: dummy('machines/', form('architecture=amd64&mac_addresses=52:54:00:00:0b:04')), status: 401, type: 'text/html', body: INVALID_KEY },
  { name: 'POST machines op=allocate, anonymous', ask: { path: `${API}machines/?op=allocate`, ...form('') }, status: 400, type: 'text/plain', body: 'Unrecognised signature: method=POST op=allocate' },
  { name: 'POST machines op=allocate, signed', ask: signed('machines/?op=allocate', {}, form('name=nosuch')), status: 409, type: 'text/plain', body: 'No available machine matches constraints: [(\'name\', [\'nosuch\'])] (resolved to "name=nosuch")' },
  { name: 'two identical op parameters', ask: signed('users/?op=whoami&op=whoami'), status: 200, type: 'application/json', body: ADMIN },
  { name: 'empty op (gomaasapi sends this)', ask: signed('machines/?op='), status: 200, type: 'application/json', body: MACHINES, deviation: FOUR_MACHINES },
  { name: 'POST files, anonymous', ask: { path: `${API}files/`, ...upload('never', 'x') }, status: 401, type: 'text/plain', body: 'Forbidden' },
  { name: 'POST files, signed, 6,000,000 bytes (multipart)', ask: signed('files/', {}, upload('obs.bin', OBS_BIN)), status: 201, type: 'text/html', body: '' },
  { name: 'the same, chunked', ask: signed('files/', {}, upload('obs2.bin', OBS_BIN, true)), status: 201, type: 'text/html', body: '' },
  { name: 'POST files, signed, empty body (no fields)', ask: signed('files/', {}, { method: 'POST', body: '' }), status: 400, type: 'text/plain', body: 'Filename not supplied' },
  { name: 'GET files, signed', ask: signed('files/'), status: 200, type: 'application/json', body: fileBody('obs.bin', '[ {') },
  {
    name: 'GET files/obs.bin (metadata + base64 content)',
    ask: signed('files/obs.bin/'),
    status: 200,
    type: 'application/json',
    body: fileBody('obs.bin'),
    keep: ({ body }, context) => { context.fileKey = /key=([\w-]{36})/.exec(body)?.[1] as string }
  },
  { name: 'op=get, anonymous', ask: { path: `${API}files/?op=get&filename=obs.bin` }, status: 400, type: 'text/plain', body: 'Unrecognised signature: method=GET op=get' },
  { name: 'op=get_by_key, anonymous', ask: ({ fileKey }) => ({ path: `${API}files/?op=get_by_key&key=${fileKey}` }), status: 200, type: 'text/html', body: () => OBS_BIN },
  { name: 'op=get_by_key with a dummy key', ask: ({ fileKey }) => dummy(`files/?op=get_by_key&key=${fileKey}`), status: 401, type: 'text/html', body: INVALID_KEY },
  { name: 'op=get_by_key with a good key', ask: context => signed(`files/?op=get_by_key&key=${context.fileKey}`)(context), status: 200, type: 'text/html', body: () => OBS_BIN },
  { name: "POST files, signed, 11,000,000 bytes (over nginx's 10M)", ask: signed('files/', {}, upload('never', Buffer.alloc(11_000_000))), status: 413, type: 'text/html', body: nginx('413 Request Entity Too Large') },
  { name: 'DELETE files/obs.bin, signed', ask: signed('files/obs.bin/', {}, { method: 'DELETE' }), status: 204, type: 'text/plain', body: '' },
  { name: 'DELETE files/obs2.bin, signed', ask: signed('files/obs2.bin/', {}, { method: 'DELETE' }), status: 204, type: 'text/plain', body: '' },
  { name: 'DELETE again', ask: signed('files/obs2.bin/', {}, { method: 'DELETE' }), status: 404, type: 'text/plain', body: 'No FileStorage matches the given query.' },
  { name: 'file name with a space, slash-less (%20)', ask: signed('files/', {}, upload('a b', 'x')), status: 201, type: 'text/html', body: '' },
  { name: 'GET it', ask: signed('files/a%20b/'), status: 200, type: 'application/json', body: fileBody('a b') },
  { name: 'file name with %2F in the path', ask: signed('files/', {}, upload('d/e', 'x')), status: 201, type: 'text/html', body: '' },
  { name: 'GET d%2Fe', ask: signed('files/d%2Fe/'), status: 200, type: 'application/json', body: fileBody('d/e') },
  { name: 'double slash', ask: { path: '/MAAS/api/2.0//version/' }, status: 200, type: 'application/json', body: VERSION },
  { name: 'DELETE a%20b', ask: signed('files/a%20b/', {}, { method: 'DELETE' }), status: 204, type: 'text/plain', body: '' },
  { name: 'DELETE d%2Fe', ask: signed('files/d%2Fe/', {}, { method: 'DELETE' }), status: 204, type: 'text/plain', body: '' },
  { name: 'PUT, signed, form body', ask: signed('tags/obs-tag1/', {}, { ...form('comment=hello'), method: 'PUT' }), status: 200, type: 'application/json', body: tagBody('obs-tag1', 'hello') },
  { name: 'PUT, anonymous', ask: { path: `${API}tags/obs-tag1/`, ...form('comment=never'), method: 'PUT' }, status: 401, type: 'text/plain', body: 'Forbidden' },
  { name: 'DELETE, signed', ask: signed('tags/obs-tag1/', {}, { method: 'DELETE' }), status: 204, type: 'text/plain', body: '' },
  { name: 'POST JSON body, signed', ask: signed('tags/', {}, json({ name: 'obs-tag2' })), status: 200, type: 'application/json', body: tagBody('obs-tag2') },
  {
    name: 'GET account op=list_authorisation_tokens, signed',
    ask: signed('account/?op=list_authorisation_tokens'),
    status: 200,
    type: 'application/json',
    body: ({ admin }) => `[\n    {\n        "name": "MAAS consumer",\n        "token": "${admin.consumer}:${admin.token}:${admin.secret}"\n    }\n]`
  },
  {
    name: 'login (UI session), anonymous',
    ask: ({ admin }) => ({ path: '/MAAS/accounts/login/', ...form(`username=admin&password=${admin.password}`) }),
    status: 204,
    type: 'text/html',
    body: '',
    keep: ({ headers }, context) => { context.cookie = (headers['set-cookie'] ?? []).map(line => line.split(';')[0]).join('; ') }
  },
  { name: 'accounts/authenticate without login', ask: { path: '/MAAS/accounts/authenticate/', ...form('') }, status: 403, type: 'text/html', body: '' },
  { name: 'DELETE obs-tag2, signed', ask: signed('tags/obs-tag2/', {}, { method: 'DELETE' }), status: 204, type: 'text/plain', body: '' },
  { name: 'account op=create_authorisation_token, anonymous', ask: { path: `${API}account/?op=create_authorisation_token`, ...form('') }, status: 401, type: 'text/plain', body: 'Forbidden' },
  {
    name: 'account op=create_authorisation_token, signed',
    ask: signed('account/?op=create_authorisation_token', {}, form('')),
    status: 200,
    type: 'application/json',
    body: { start: '{"token_key": "' },
    keep: ({ body }, context) => { context.tokenKey = JSON.parse(body).token_key }
  },
  { name: 'account op=delete_authorisation_token, signed', ask: context => signed('account/?op=delete_authorisation_token', {}, form(`token_key=${context.tokenKey}`))(context), status: 204, type: 'text/plain', body: '' },
  { name: 'whoami with the session cookie of a UI login, no OAuth', ask: ({ cookie }) => ({ path: `${API}users/?op=whoami`, headers: [['Cookie', cookie]] }), status: 200, type: 'application/json', body: SESSION },
  { name: 'the same cookie with a dummy key in the header', ask: ({ cookie }) => dummy('users/?op=whoami', { headers: [['Cookie', cookie]] }), status: 200, type: 'application/json', body: SESSION }
]
