import t from 'tap'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { KEY, startTestProxy, testConfig } from '../helper/proxy.ts'
import { exchange, get, rawUpstream } from '../helper/sockets.ts'

const PYTHON = '/usr/bin/python3' // Debian's, which is the one that Debian's python3-oauthlib is for
const PROVIDER = fileURLToPath(new URL('oauthlib_provider.py', import.meta.url))
const missing = spawnSync(PYTHON, ['-c', 'import oauthlib']).status !== 0

t.test('oauthlib, as the provider, takes our signature', { skip: missing && 'python3-oauthlib is not installed' }, async t => {
  const upstream = await rawUpstream(t)
  const proxy = await startTestProxy(t, testConfig(upstream.url))
  for (const target of ['/MAAS/api/2.0/machines/', '/MAAS/api/2.0/machines/?op=allocate&name=a%20b', '/MAAS/api/2.0/files/a%2Fb/?q=%zz']) await exchange(proxy.port, get(target))
  const requests = [...upstream.received().matchAll(/^(GET) (\S+) [^]*?^Authorization: (.*)\r$/gm)]
    .map(([, method, path, authorization = '']) => ({ method, url: `http://maas${path?.replace('%zz', '')}`, authorization }))
  t.equal(requests.length, 3)
  const verify = (key: string[], of = requests) => JSON.parse(spawnSync(PYTHON, [PROVIDER], { input: JSON.stringify({ key, requests: of }), encoding: 'utf8' }).stdout)

  t.strictSame(verify([KEY.consumer, KEY.token, KEY.secret]), [true, true, true])
  t.strictSame(verify([KEY.consumer, KEY.token, 'x'.repeat(32)]), [false, false, false], 'and it does look at the secret')
  t.strictSame(verify([KEY.consumer, KEY.token, KEY.secret], requests.flatMap(request => [request, request])), [true, false, true, false, true, false], 'and at the nonce')
})
