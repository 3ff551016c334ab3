import t from 'tap'
import { connect, type Socket } from 'node:net'
import { writeFileSync } from 'node:fs'
import { loadConfig } from '../../src/settings/load.ts'
import { KEY, startTestProxy, testConfig } from '../helper/proxy.ts'
import {
  answerAll, type Held, LIST, MACHINES, plug, records, shareList, startMaas, startPair, value, waiting
} from '../helper/sharing.ts'
import { closed, exchange, get, OK, readAll, request } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

t.test('identical reads that wait share one request, and each is a request of its own in log and metrics', async t => {
  const pair = await startPair(t)
  const { proxy, held } = pair
  const unplug = await plug(pair)
  const answers = ['curl/8', 'Go-http-client/1.1', 'python-requests/2'].map(async agent => await exchange(proxy.port, get(MACHINES, `User-Agent: ${agent}`)))
  await waiting(proxy, 3)
  await unplug()
  await until('the read is sent', () => held.length === 2)
  const late = exchange(proxy.port, LIST)
  await waiting(proxy, 1)
  held[1]?.socket.write(OK)
  for (const answer of await Promise.all(answers)) t.match(answer, /^HTTP\/1\.1 200 [^]*\r\n\r\nok$/)
  await until('the late one is sent for itself', () => held.length === 3)
  held[2]?.socket.write(OK.replace('ok', 'no'))
  t.match(await late, /no$/, 'who asks when a request is on its way gets a later answer')
  t.equal(held.length, 3)
  const [leader, ...others] = (await records(proxy, 4)).sort((a, b) => String(a['id']).localeCompare(String(b['id'])))
  t.match(leader, { shared: undefined, sharedWith: undefined, status: 200, bytes: 2, queuedMs: Number })
  for (const shared of others.slice(0, 2)) {
    t.match(shared, { shared: true, sharedWith: leader?.['id'], status: 200, bytes: 2, queuedMs: Number, upstreamMs: Number, complete: true })
  }
  t.match(others[2], { shared: undefined, sharedWith: undefined })
  t.equal(new Set([leader, ...others].map(record => record?.['id'])).size, 4, 'each has its id')
  t.equal(await value(proxy, 'sent_total'), 3)
  t.equal(await value(proxy, 'shared_reads_total'), 2)
  t.equal(await value(proxy, 'response_body_bytes_total'), 6, 'bytes of MAAS are counted once')
  t.equal(await value(proxy, 'upstream_duration_seconds_count{method="GET"}'), 3, 'and so is its time')
  t.equal(await value(proxy, 'queue_duration_seconds_count'), 4, 'each has waited')
  t.equal(proxy.log.filter(({ msg }) => msg === 'timing').length, 5, 'the time of each is told')
})

t.test('what makes a difference to the answer is not shared', async t => {
  const pair = await startPair(t, { allowCredentialOperations: ['true'] })
  const { proxy, held } = pair
  const head = request([`HEAD ${MACHINES} HTTP/1.1`, 'Host: localhost'])
  type Row = [reason: string, first: string, second: string, sent: number]
  const rows: Row[] = [
    ['the same', LIST, LIST, 1],
    ['the same with a body of no bytes', get(MACHINES, 'Content-Length: 0'), get(MACHINES, 'content-length: 0'), 1],
    ['other names of the host, which MAAS does not get', LIST, LIST.replace('localhost', '127.0.0.1'), 1],
    ['fields that MAAS does not get', get(MACHINES, 'Cookie: a=b', 'X-Forwarded-For: 1.2.3.4'), get(MACHINES, 'Authorization: OAuth x'), 1],
    ['ids for traces', get(MACHINES, 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'), get(MACHINES, 'X-Request-Id: 7', 'X-B3-TraceId: 1'), 1],
    ['other clients of a host', get(MACHINES, 'User-Agent: a', 'Via: 1.1 x'), get(MACHINES, 'User-Agent: b'), 1],
    ['names in other cases', get(MACHINES, 'Accept: */*'), get(MACHINES, 'accept: */*'), 1],
    ['another query', get(`${MACHINES}?zone=a`), get(`${MACHINES}?zone=b`), 2],
    ['another spelling of the same path', LIST, get('/MAAS/api/2.0//machines/'), 2],
    ['another type that is accepted', LIST, get(MACHINES, 'Accept: */*'), 2],
    ['another coding that is accepted', get(MACHINES, 'Accept-Encoding: gzip'), LIST, 2],
    ['a field that nobody knows', get(MACHINES, 'X-Something: 1'), get(MACHINES, 'X-Something: 2'), 2],
    ['an id that MAAS repeats in its answer', get(MACHINES, 'MAAS-trace-id: 1'), get(MACHINES, 'MAAS-trace-id: 2'), 2],
    ['HEAD', head, head, 2],
    ['HEAD and GET', head, LIST, 2],
    ...['Range: bytes=0-9', 'If-None-Match: "x"', 'If-Match: "x"', 'If-Modified-Since: Fri, 27 Nov 2026 00:00:00 GMT', 'If-Unmodified-Since: Fri, 27 Nov 2026 00:00:00 GMT', 'If-Range: "x"', 'Expect: 100-continue'].map(field => (
      [`with ${field}`, get(MACHINES, field), get(MACHINES, field), 2] satisfies Row
    )),
    ['with a body', `${get(MACHINES, 'Content-Length: 1')}x`, `${get(MACHINES, 'Content-Length: 1')}x`, 2],
    ['a chunked body', `${get(MACHINES, 'Transfer-Encoding: chunked')}0\r\n\r\n`, `${get(MACHINES, 'Transfer-Encoding: chunked')}0\r\n\r\n`, 2],
    ['a read with an effect', get(`${MACHINES}abc/?op=query_power_state`), get(`${MACHINES}abc/?op=query_power_state`), 2],
    ['a path that MAAS may read in two ways', get(`${MACHINES}abc/op-query_power_state`), get(`${MACHINES}abc/op-query_power_state`), 2],
    ['anonymous reads', get('/MAAS/api/2.0/version/'), get('/MAAS/api/2.0/version/'), 2],
    ['a write and a read', request([`POST ${MACHINES} HTTP/1.1`, 'Host: localhost', 'Content-Length: 0']), LIST, 2],
    ['two writes', request([`DELETE ${MACHINES}abc/ HTTP/1.1`, 'Host: localhost']), request([`DELETE ${MACHINES}abc/ HTTP/1.1`, 'Host: localhost']), 2]
  ]
  for (const [reason, first, second, sent] of rows) {
    const unplug = await plug(pair)
    const before = held.length
    let over = 0
    const answers = [first, second].map(async bytes => await exchange(proxy.port, bytes).finally(() => over++))
    await waiting(proxy, 2)
    await unplug()
    await answerAll(pair, before, () => over === 2)
    for (const answer of await Promise.all(answers)) t.match(answer, /(^|\r\n)HTTP\/1\.1 200 /, reason)
    t.equal(held.length - before, sent, reason)
  }
  const upgrade = get(MACHINES).replace('Connection: close', 'Connection: upgrade\r\nUpgrade: h2c')
  const unplug = await plug(pair)
  const before = held.length
  let over = 0
  const upgrades = [1, 2].map(async () => await exchange(proxy.port, upgrade).finally(() => over++))
  await waiting(proxy, 2)
  await unplug()
  await answerAll(pair, before, () => over === 2)
  await Promise.all(upgrades)
  t.equal(held.length - before, 2, 'with Upgrade')
})

t.test('listeners share by the key, after the rules of each have decided', async t => {
  const { upstream, held } = await startMaas(t)
  const dir = t.testdir({ one: 'a:b:c', other: 'd:e:f' })
  const listeners = ['one', 'one', 'other', 'one'].map((key, i) => `  - listen: 127.0.0.1:0\n    api-key-file: ${dir}/${key}\n${i === 3 ? '    deny: [GET machines/]\n' : ''}`)
  writeFileSync(`${dir}/config.yaml`, `maas-url: ${upstream.url}\nmax-maas-requests: 1\nshare-reads: true\nlisteners:\n${listeners.join('')}`)
  const proxy = await startTestProxy(t, loadConfig({ config: [`${dir}/config.yaml`] }, {}))
  const pair = { proxy, upstream, held }
  const unplug = await plug(pair)
  let over = 0
  const answers = proxy.addresses.map(async address => {
    return await exchange(Number(new URL(address).port), LIST).finally(() => over++)
  })
  await waiting(proxy, 3)
  t.match(await answers[3], /^HTTP\/1\.1 403 [^]*MAAS_PROXY_RULE_REFUSED/, 'who may not read does not, whoever reads the same')
  await unplug()
  await answerAll(pair, 1, () => over === 4)
  for (const answer of (await Promise.all(answers)).slice(0, 3)) t.match(answer, /^HTTP\/1\.1 200 /)
  t.strictSame(held.slice(1).map(({ head }) => /oauth_token="(\w)"/.exec(head)?.[1]).sort(), ['b', 'e'], 'each key signs a request')
})

t.test('the answer is made for each client', async t => {
  const pair = await startPair(t)
  const { proxy, upstream, held } = pair
  const unplug = await plug(pair)
  const describe = ['localhost:1', '127.0.0.1:2'].map(async host => await exchange(proxy.port, get('/MAAS/api/2.0/describe/', 'MAAS-Proxy-Access: signed').replace('localhost', host)))
  await waiting(proxy, 2)
  await unplug()
  await until('it is sent', () => held.length === 2)
  const body = JSON.stringify({ uri: `http://127.0.0.1:${upstream.port}/MAAS/api/2.0/machines/` })
  held[1]?.socket.write(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`)
  t.match(await Promise.all(describe), [/"http:\/\/localhost:1\/MAAS/, /"http:\/\/127.0.0.1:2\/MAAS/], 'its own origin')
})

t.test('an error reaches each as it would have reached it alone', async t => {
  const rows: Array<[reason: string, fate: string | ((socket: Socket) => void), answer: RegExp]> = [
    ['MAAS closes', socket => socket.destroy(), /^HTTP\/1\.1 502 [^]*MAAS_PROXY_UPSTREAM_CLOSED/],
    ['no HTTP', 'nonsense\r\n\r\n', /^HTTP\/1\.1 502 [^]*MAAS_PROXY_UPSTREAM_ANSWER_MALFORMED/],
    ['an error of MAAS, with a hint', 'HTTP/1.1 400 Bad Request\r\nContent-Length: 16\r\nConnection: close\r\n\r\nhas been removed', /^HTTP\/1\.1 400 [^]*maas-proxy-hint: removed in MAAS 4[^]*has been removed$/i],
    ['a secret', `HTTP/1.1 401 Unauthorized\r\nContent-Length: ${KEY.secret.length}\r\nConnection: close\r\n\r\n${KEY.secret}`, /^HTTP\/1\.1 401 [^]*\[token secret\]$/],
    ['an answer that stops', socket => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart', () => socket.destroy()), /^HTTP\/1\.1 200 [^]*part$/]
  ]
  for (const [reason, fate, wanted] of rows) {
    const pair = await startPair(t)
    const { proxy, held } = pair
    const { answers, socket } = await shareList(pair, 3)
    if (typeof fate === 'string') socket.write(fate)
    else fate(socket)
    for (const answer of await Promise.all(answers)) t.match(answer, wanted, reason)
    const isCut = reason === 'an answer that stops'
    const found = await records(proxy, 3)
    t.equal(found.filter(({ sharedWith }) => sharedWith !== undefined).length, 2, reason)
    if (isCut) for (const record of found) t.match(record, { error: 'MAAS_PROXY_UPSTREAM_CLOSED', complete: false }, reason)
    t.equal(held.length, 2, `${reason}: nothing is sent again`)
  }
})

t.test('a request that helps is sent once more for all', async t => {
  const now = Math.floor(Date.now() / 1000)
  const expired = `Authorization Error: 'Expired timestamp: given 1 and now ${now} has a greater difference than threshold 300'`
  const pair = await startPair(t)
  const { proxy, held } = pair
  const { answers, socket } = await shareList(pair, 3)
  socket.write(`HTTP/1.1 401 Unauthorized\r\nContent-Length: ${expired.length}\r\nConnection: close\r\n\r\n${expired}`)
  await until('it is sent again', () => held.length === 3)
  held[2]?.socket.write(OK)
  for (const answer of await Promise.all(answers)) t.match(answer, /^HTTP\/1\.1 200 [^]*\r\n\r\nok$/)
  const found = await records(proxy, 3)
  t.strictSame(found.map(({ attempts, bytes }) => [attempts, bytes]).sort(), [[undefined, 2], [undefined, 2], [2, 2]], 'two attempts of one')
  t.equal(await value(proxy, 'retries_total'), 1)
})

t.test('a client that leaves cuts nobody off, and the last one ends the request', async t => {
  const begin = 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\npart'
  const rows: Array<[reason: string, leave: number[], when: 'waiting' | 'sent' | 'begun', aborted: boolean]> = [
    ['the first, while it waits', [0], 'waiting', false],
    ['the second, while it waits', [1], 'waiting', false],
    ['the first, whose request was sent', [0], 'sent', false],
    ['the first, in the middle', [0], 'begun', false],
    ['two others, in the middle', [1, 2], 'begun', false],
    ['all, before the answer', [0, 1, 2], 'sent', true],
    ['all, in the middle', [2, 1, 0], 'begun', true]
  ]
  for (const [reason, leave, when, aborted] of rows) {
    const pair = await startPair(t)
    const { proxy, held } = pair
    const unplug = await plug(pair)
    const sockets: Socket[] = []
    for (let i = 0; i < 3; i++) {
      const socket = connect(proxy.port, '127.0.0.1')
      socket.write(LIST)
      sockets.push(socket)
      await waiting(proxy, i + 1)
    }
    const answers = sockets.map(async socket => await readAll(socket))
    const go = async () => {
      for (const i of leave) sockets[i]?.destroy()
      await records(proxy, leave.length)
    }
    if (when === 'waiting') await go()
    await unplug()
    await until('it is sent', () => held.length === 2)
    const { socket } = held[1] as Held
    if (when === 'sent') await go()
    if (!aborted || when === 'begun') socket.write(begin)
    if (when === 'begun') {
      await until('all have the part', () => sockets.every(({ bytesRead }) => bytesRead > 50))
      await go()
    }
    if (aborted) await closed(socket)
    else socket.write('rest')
    for (const [i, answer] of (await Promise.all(answers)).entries()) {
      if (leave.includes(i)) t.notMatch(answer, 'rest', reason)
      else t.match(answer, /^HTTP\/1\.1 200 [^]*\r\n\r\npartrest$/, reason)
    }
    t.match((await records(proxy, 3)).filter(({ complete }) => complete === false).length, leave.length, reason)
    const next = exchange(proxy.port, LIST)
    await until(`${reason}: the turn is given back`, () => held.length === 3)
    held[2]?.socket.write(OK)
    await next
  }
})

t.test('a read that waits for too long is told so, and the others go on', async t => {
  const pair = await startPair(t, { queueTimeoutMs: ['300ms'] })
  const { proxy, held } = pair
  const unplug = await plug(pair)
  const first = exchange(proxy.port, LIST)
  t.match(await first, /^HTTP\/1\.1 503 [^]*MAAS_PROXY_QUEUE_TIMED_OUT/)
  const second = exchange(proxy.port, LIST)
  await waiting(proxy, 1)
  await unplug()
  await until('it is sent', () => held.length === 2)
  held[1]?.socket.write(OK)
  t.match(await second, /^HTTP\/1\.1 200 /)
  const unshared = { shared: undefined, queuedMs: Number }
  t.match(await records(proxy, 2), [{ ...unshared, status: 503 }, { ...unshared, status: 200 }])
})

t.test('settings that make no sense together are refused', async t => {
  await t.rejects(testConfig('http://maas/MAAS', { shareReads: ['true'] }), /--share-reads: only reads that wait for their turn share a request; give --max-maas-requests too, such as 2/)
  t.equal((await testConfig('http://maas/MAAS', { shareReads: ['true'], maxMaasRequests: ['4'] })).shareReads, true)
  t.equal((await testConfig('http://maas/MAAS')).shareReads, false, 'by default nothing is shared')
})
