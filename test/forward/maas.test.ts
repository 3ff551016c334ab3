import t from 'tap'
import { startStandIn } from '../../src/demo/stand-in/index.ts'
import { startTestProxy, testConfig } from '../helper/proxy.ts'

t.test('a MAAS that verifies every signature is usable without a key', async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  const { consumer, token, secret } = maas.admin
  const proxy = await startTestProxy(t, testConfig(maas.url, {}, `${consumer}:${token}:${secret}`))
  const ask = (path: string, init?: RequestInit) => fetch(`${proxy.address}/MAAS/api/2.0/${path}`, init)
  const who = () => maas.records.at(-1)?.user

  const whoami = await ask('users/?op=whoami', { headers: { Authorization: 'OAuth x:x:x' } })
  t.match(await whoami.json(), { username: 'admin', is_superuser: true }, "signed, whatever the client's own key")
  t.equal(whoami.headers.get('content-type'), 'application/json; charset=utf-8')
  t.match(whoami.headers.get('x-maas-api-hash'), /^[0-9a-f]{40}$/, "MAAS's own header fields arrive")

  t.equal((await ask('version/')).status, 200)
  t.equal(who(), null, 'anonymous')
  t.match(await (await ask('nodes/?op=is_action_in_progress&mac_address=00:16:3e:00:00:01')).text(), /^(true|false)$/, 'signed this would be 400')

  const content = Buffer.alloc(5_000_000, 'some bytes \x00\xff')
  const form = new FormData()
  form.set('filename', 'a b/c')
  form.set('file', new Blob([content]))
  t.equal((await ask('files/', { method: 'POST', body: form })).status, 201, 'upload')
  const file = await (await ask('files/a%20b%2Fc/')).json() as { anon_resource_uri: string, content: string }
  t.ok(Buffer.from(file.content, 'base64').equals(content), 'read back')
  const anonymous = await fetch(proxy.address + file.anon_resource_uri)
  t.ok(Buffer.from(await anonymous.arrayBuffer()).equals(content), 'and by its own link')
  t.equal(who(), null, 'which is anonymous')
  t.equal((await ask('files/a%20b%2Fc/', { method: 'DELETE' })).status, 204)

  t.equal((await ask('tags/', { method: 'POST', body: new URLSearchParams({ name: 'blue' }) })).status, 200, 'a form')
  t.equal((await ask('tags/', { method: 'POST', body: JSON.stringify({ name: 'red' }), headers: { 'Content-Type': 'application/json' } })).status, 200, 'JSON')
  t.equal((await ask('tags/blue/', { method: 'PUT', body: new URLSearchParams({ comment: 'sky' }) })).status, 200)

  const allocated = await ask('machines/', { method: 'POST', body: new URLSearchParams({ op: 'allocate' }) })
  t.equal(allocated.status, 200, 'an operation named in the form')
  const none = await ask('machines/?op=allocate', { method: 'POST', body: new URLSearchParams({ name: 'nosuch' }) })
  t.equal(none.status, 409)
  t.match(await none.text(), /^No available machine matches constraints/, "MAAS's errors arrive as they are")
  t.equal(none.headers.get('maas-proxy-error'), null)
  t.equal(await (await ask('machines')).text(), 'Unknown API endpoint: /MAAS/api/2.0/machines.')
  t.equal((await ask('machines/', { method: 'OPTIONS' })).status, 405)

  const machine = { method: 'POST', body: new URLSearchParams({ architecture: 'amd64/generic', mac_addresses: '00:16:3e:aa:bb:cc', commission: 'false' }) }
  const enlisted = await (await ask('machines/', { ...machine, headers: { 'MAAS-Proxy-Access': 'anonymous' } })).json() as object
  t.equal(who(), null, 'enlisted anonymously when asked')
  const created = await (await ask('machines/', { method: 'POST', body: new URLSearchParams({ architecture: 'amd64/generic', mac_addresses: '00:16:3e:aa:bb:dd', commission: 'false' }) })).json() as object
  t.equal(who(), 'admin', 'created, signed, otherwise')
  t.ok(Object.keys(created).length > Object.keys(enlisted).length, 'the two are not the same')
})
