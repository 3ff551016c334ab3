import t from 'tap'
import { findClientToken } from '../../src/admit/client-token.ts'

const TOKEN = 'a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8a9b0c1d2e3f4'
/** With what percent-encoding changes, as `openssl rand -base64` makes it. */
const ODD = 'pQ+/8x=='

const bearer = (token: string) => `Bearer ${token}`
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
/** A header with a signature as it stands there, and a method. */
const oauth = (signature: string, method = 'PLAINTEXT') => `OAuth oauth_consumer_key="a", oauth_token="b", oauth_signature_method="${method}", oauth_timestamp="1", oauth_nonce="n", oauth_version="1.0", oauth_signature="${signature}"`
const field = (...values: string[]) => values.flatMap(value => ['MAAS-Proxy-Token', value])
const authorization = (...values: string[]) => values.flatMap(value => ['Authorization', value])

t.test('a token is found where each tool writes it', async t => {
  const rows: Array<[lines: string[], reason: string]> = [
    [field(TOKEN), 'curl -H "MAAS-Proxy-Token: TOKEN"'],
    [['maas-proxy-token', TOKEN], 'in small letters'],
    [authorization(bearer(TOKEN)), 'curl --oauth2-bearer TOKEN'],
    [authorization(`bearer  ${TOKEN}`), 'the scheme in any case, and two spaces'],
    [authorization(basic(`any:${TOKEN}`)), 'curl -u any:TOKEN'],
    [authorization(basic(`:${TOKEN}`)), 'curl -u :TOKEN'],
    [authorization(`OAuth oauth_nonce="16204188", oauth_timestamp="1", oauth_version="1.0", oauth_signature_method="PLAINTEXT", oauth_consumer_key="any", oauth_token="any", oauth_signature="%26${TOKEN}"`), 'the maas CLI, and others with oauthlib'],
    [authorization(`OAuth realm="OAuth",oauth_nonce="16204188", oauth_timestamp="1", oauth_version="1.0", oauth_signature_method="PLAINTEXT", oauth_consumer_key="any", oauth_token="any", oauth_signature="%26${TOKEN}"`), 'python-libmaas, which adds a realm'],
    [authorization(`OAuth oauth_signature="%26${TOKEN}", oauth_version="1.0", realm="MAAS+API", oauth_nonce="0f", oauth_consumer_key="any", oauth_timestamp="1", oauth_token="any", oauth_signature_method="PLAINTEXT"`), 'gomaasapi, gomaasclient, Terraform, Juju: in the order of a Go map'],
    [authorization(...Array<string>(2).fill(oauth(`%26${TOKEN}`))), 'gomaasapi, which adds a second line when it tries again'],
    [authorization(`OAuth oauth_nonce="1", oauth_timestamp="1", oauth_version="1.0", oauth_signature_method="PLAINTEXT", oauth_consumer_key="any", oauth_token="any", oauth_signature="%26${TOKEN}"`), 'Ansible, the collection maas.maas'],
    [authorization(`OAuth oauth_nonce=1, oauth_timestamp=1, oauth_version=1.0, oauth_signature_method=PLAINTEXT, oauth_consumer_key=any, oauth_token=any, oauth_signature=%26${TOKEN}`), 'earlier releases of it, without quotes'],
    [authorization(`OAuth oauth_version=1.0, oauth_signature_method=PLAINTEXT, oauth_consumer_key=any, oauth_token=any, oauth_signature=&${TOKEN}, oauth_nonce=1, oauth_timestamp=1`), "MAAS's documentation for curl and httpie: no quotes, no encoding"],
    [authorization(`OAuth oauth_consumer_key="any",oauth_token="any",oauth_signature_method="PLAINTEXT",oauth_timestamp="1",oauth_nonce="000000000000000000000000000001",oauth_version="1.0",oauth_signature="%26${TOKEN}"`), 'the Puppet module, without spaces'],
    [authorization(`OAuth oauth_nonce="Rb4uXq", oauth_signature="aW52YWxpZCBzaWduYXR1cmU%3D", oauth_consumer_key="any", oauth_signature_method="HMAC-SHA1", oauth_timestamp="1", oauth_token="${TOKEN}", oauth_version="1.0", op="whoami"`), 'maas-client-go, with the parameters of the request: it signs with HMAC-SHA1, and has the token as the second part of its key'],
    [authorization(`OAuth oauth_nonce="1", oauth_timestamp="1", oauth_version="1.0", oauth_signature_method="HMAC-SHA1", oauth_consumer_key="any", oauth_token="${TOKEN}", oauth_signature="tnnArxj06cWHq44gCs1OSKk%2FjLY%3D"`), 'requests_oauthlib by default, likewise'],
    [authorization(`OAuth oauth_consumer_key="any", oauth_nonce="x", oauth_signature="%26${TOKEN}", oauth_signature_method="PLAINTEXT", oauth_timestamp="1", oauth_token="any", oauth_version="1.0"`), 'Ruby oauth'],
    [authorization(`OAuth realm="", oauth_signature_method="PLAINTEXT", oauth_signature="%26${TOKEN}"`), 'an empty realm, as of the old Python module oauth'],
    [authorization(`OAuth realm="a, b", oauth_signature_method="PLAINTEXT", oauth_signature="%26${TOKEN}"`), 'a realm with a comma'],
    [authorization(oauth(`SECRET%26${TOKEN}`)), 'a tool that is given a consumer secret too'],
    [authorization(oauth(`SE%2526CRET%26${TOKEN}`)), 'one with an ampersand in it'],
    [[...field(TOKEN), ...authorization(oauth('%26proxysigns'))], 'beside the placeholder key'],
    [[...field(TOKEN), ...authorization(oauth(`%26${TOKEN}`))], 'twice, in two ways'],
    [field(TOKEN, TOKEN), 'in two lines that agree'],
    [[...authorization('OAuth oauth_token="x"'), ...field(TOKEN)], 'beside a header that has none'],
    [[...field(''), ...authorization(bearer(TOKEN))], 'beside an empty one, of a variable that is not set']
  ]
  for (const [lines, reason] of rows) t.equal(findClientToken(['Host', 'localhost', ...lines]), TOKEN, reason)
})

t.test('a token with special characters is found, encoded once or as RFC 5849 says', async t => {
  for (const [value, reason] of [
    [oauth(`%26${encodeURIComponent(ODD)}`), 'gomaasapi, Ansible: the signature is encoded as a whole'],
    [oauth(`%26${encodeURIComponent(encodeURIComponent(ODD))}`), 'oauthlib: the secret is encoded, then the signature'],
    [oauth(`&${ODD}`), 'nothing is encoded'],
    [basic(`any:${ODD}`), 'Basic'],
    [bearer(ODD), 'Bearer']
  ] as const) t.equal(findClientToken(authorization(value)), ODD, reason)
  t.equal(findClientToken(authorization(basic('any:one:two'))), 'one:two', 'a password may have colons')
  t.equal(findClientToken(authorization(oauth('%26one%26two'))), 'one&two', 'a token may have an ampersand')
  t.equal(findClientToken(authorization(oauth('%2650%25off'))), '50%off', 'and a percent sign that starts no escape')
})

/*
 * The attack: a caller writes a header that one reader takes for one token and another reader for another, or for none
 * where there is one. What is not written as tools write it has no token; what has two has none either.
 */
t.test('what tools do not write has no token', async t => {
  const rows: Array<[lines: string[], reason: string]> = [
    [[], 'nothing'],
    [field(''), 'an empty field'],
    [field('two words'), 'a field with a space'],
    [field('tok\xe9n'), 'a field with a byte beyond ASCII'],
    [['MAAS_Proxy_Token', TOKEN], 'the twin of the field with underscores'],
    [['X-MAAS-Proxy-Token', TOKEN], 'a longer name'],
    [['X-Custom-Name', bearer(TOKEN)], 'another name of the same length'],
    [['Proxy-Authorization', bearer(TOKEN)], 'the field for another kind of proxy'],
    [authorization(TOKEN), 'no scheme'],
    [authorization('Bearer'), 'a scheme alone'],
    [authorization(`Bearer${TOKEN}`), 'no space'],
    [authorization(bearer('a b')), 'two words'],
    [authorization(`Token ${TOKEN}`), 'another scheme'],
    [authorization(`Basic ${TOKEN}!`), 'no base64'],
    [authorization(basic(TOKEN)), 'Basic without a colon'],
    [authorization(basic(`${TOKEN}:`)), 'the token as the user name'],
    [authorization(basic('any:tok\u00e9n')), 'a password beyond ASCII'],
    [authorization(oauth('%26')), 'an empty token secret'],
    [authorization(oauth('')), 'an empty signature'],
    [authorization(oauth(TOKEN)), 'no ampersand'],
    [authorization(oauth(`${TOKEN}%26`)), 'the token as the consumer secret'],
    [authorization(oauth(`%2526${TOKEN}`)), 'an ampersand that is encoded twice, which MAAS refuses too'],
    [authorization(oauth('%26%zz')), 'escapes that are malformed'],
    [authorization('OAuth oauth_token="%zz", oauth_signature_method="HMAC-SHA1"'), 'escapes of another method that are malformed'],
    [authorization('OAuth oauth_signature_method="HMAC-SHA1"'), 'another method without a token key'],
    [authorization(`OAuth oauth_token="${TOKEN}", oauth_signature_method="PLAINTEXT"`), 'PLAINTEXT with the token as the token key, and no signature'],
    [authorization(`OAuth oauth_token="${TOKEN}", oauth_signature="%26"`), 'no method, and the token as the token key'],
    [authorization(`OAuth oauth_signature="%26${TOKEN}"`), 'no method'],
    [authorization(`${oauth(`%26${TOKEN}`)}, oauth_signature="%26${TOKEN}"`), 'the signature twice, although both agree'],
    [authorization(`OAuth OAUTH_SIGNATURE="%26${TOKEN}", oauth_signature_method="PLAINTEXT"`), 'names are with case (RFC 5849 §3.5.1)'],
    [authorization(`OAuth realm="x, oauth_signature=%26${TOKEN}", oauth_signature_method="PLAINTEXT"`), 'the signature inside of the realm'],
    [authorization(`OAuth realm="x", oauth_signature_method="PLAINTEXT", oauth_signature="%26${TOKEN}`), 'a quote that is not closed'],
    [authorization(`OAuth oauth_signature_method="PLAINTEXT" oauth_signature="%26${TOKEN}"`), 'no comma'],
    [authorization(`OAuth oauth_signature_method="PLAINTEXT",, oauth_signature="%26${TOKEN}"`), 'two commas'],
    [authorization(`x ${oauth(`%26${TOKEN}`)}`), 'a scheme before it'],
    [authorization(oauth('%26proxysigns')), 'the placeholder key'],
    [['Cookie', `token=${TOKEN}`], 'a cookie']
  ]
  for (const [lines, reason] of rows) t.equal(findClientToken(['Host', 'localhost', ...lines]), null, reason)
})

t.test('of a signature that is no PLAINTEXT nothing is taken but the token key', t => {
  t.equal(findClientToken(authorization(oauth(`%26${TOKEN}`, 'HMAC-SHA1'))), 'b', 'not what is written as its signature')
  t.equal(findClientToken(authorization(oauth(`%26${TOKEN}`, 'plaintext'))), 'b', 'names of methods are with case')
  t.equal(findClientToken(authorization(oauth('tnnArxj06cWHq44gCs1OSKk%2FjLY%3D', 'HMAC-SHA1'))), 'b', 'a real signature')
  t.end()
})

t.test('two tokens that differ are refused, wherever they are', async t => {
  const other = `${TOKEN.slice(0, -1)}5`
  for (const [lines, reason] of [
    [field(TOKEN, other), 'two fields'],
    [[...field(TOKEN), ...authorization(bearer(other))], 'the field and Bearer'],
    [[...authorization(oauth(`%26${other}`)), ...field(TOKEN)], 'the key and the field'],
    [authorization(oauth(`%26${TOKEN}`), oauth(`%26${other}`)), 'two keys'],
    [authorization(bearer(TOKEN), basic(`any:${other}`)), 'two schemes'],
    [[...field('x'), ...authorization(oauth(`%26${TOKEN}`))], 'of which one is known to be wrong']
  ] as const) {
    t.throws(() => findClientToken(lines), { code: 'MAAS_PROXY_CLIENT_UNKNOWN', message: 'the request has two tokens that differ' }, reason)
  }
})

t.test('the largest header that the proxy accepts takes no time', async t => {
  const size = 64 * 1024
  for (const [value, reason] of [
    [`OAuth ${'a="b",'.repeat(size / 6)}`, 'one parameter again and again'],
    [`OAuth ${Array.from({ length: size / 10 }, (_, i) => `a${i}=b`).join(',')}`, 'thousands of parameters'],
    [`OAuth ${' '.repeat(size)}`, 'spaces'],
    [`OAuth ${'a'.repeat(size)}`, 'a name'],
    [`OAuth a="${'a'.repeat(size)}`, 'a quoted value'],
    [`OAuth oauth_signature_method="PLAINTEXT",oauth_signature="${'%26'.repeat(size / 3)}"`, 'ampersands'],
    [`Basic ${'A'.repeat(size)}`, 'base64 without a colon'],
    [`Bearer ${' '.repeat(size)}`, 'a scheme and spaces']
  ] as const) {
    const began = performance.now()
    findClientToken(authorization(value))
    t.ok(performance.now() - began < 1000, reason)
  }
})
