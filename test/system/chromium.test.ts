import t, { type Test } from 'tap'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Flags } from '../../src/settings/setting-input.ts'
import { type Browser, openChromium, withoutChromium } from '../helper/chromium.ts'
import { startTestProxy, testConfig, type TestProxy } from '../helper/proxy.ts'
import { listenOn, type RawUpstream, rawUpstream } from '../helper/sockets.ts'

t.setTimeout(300_000) // a browser is slow where much else runs; each is ended after a minute

/*
 * The attack: somebody who may use the proxy has a hostile page open. The page cannot reach MAAS, but its browser
 * reaches the proxy, which would sign whatever comes. A page needs no permission for much of what it can send (a form,
 * an image, a beacon), and need not read the answer to release a machine. Or its name resolves to 127.0.0.1 once it is
 * loaded (DNS rebinding), on the very port of the proxy: then the browser takes the proxy for the page's own server,
 * asks for no permission at all, and lets the page read. So a real browser tries all that a page can do.
 */
const ATTEMPTS: Array<[kind: string, script: string, reason: string]> = [
  ['form-multipart', "submit(url, { method: 'post', enctype: 'multipart/form-data' })", 'MAAS takes the operation from it'],
  ['form-urlencoded', "submit(url, { method: 'post' })", 'the ordinary form'],
  ['form-text', "submit(url, { method: 'post', enctype: 'text/plain' })", 'a body that can be made to look like JSON'],
  ['form-get', "submit(url, { method: 'get' })", 'a form without Origin'],
  ['form-sandboxed', "framed({ sandbox: 'allow-forms allow-scripts', srcdoc: '<form method=post action=' + url + '></form><script>document.forms[0].submit()</script>' })", 'its Origin is null'],
  ['form-redirected', "submit(through(307, url), { method: 'post' })", 'a form that comes by way of another server'],
  ['fetch-urlencoded', "read(fetch(url, { method: 'POST', mode, body: new URLSearchParams('op=release') }))", 'a POST that needs no preflight'],
  ['fetch-multipart', "read(fetch(url, { method: 'POST', mode, body: new FormData() }))", 'nor does this'],
  ['fetch-text', "read(fetch(url, { method: 'POST', mode, body: '{}' }))", 'nor this'],
  ['fetch-get', 'read(fetch(url, { mode }))', 'nor this, and it has no Origin'],
  ['fetch-redirected', "read(fetch(through(307, url), { method: 'POST', mode, body: 'x' }))", 'a POST stays one'],
  ['fetch-credentials', "read(fetch(url, { method: 'POST', credentials: 'include' }))", 'to read the answer, if CORS allows it'],
  ['fetch-header', "read(fetch(url, { headers: { 'X-Any': '1' } }))", 'a preflight, or none for its own server'],
  ['fetch-delete', "read(fetch(url, { method: 'DELETE' }))", 'likewise'],
  ['fetch-put', "read(fetch(url, { method: 'PUT', body: 'x' }))", 'likewise'],
  ['xhr', "new Promise(done => { const xhr = new XMLHttpRequest(); xhr.onloadend = () => done(xhr.status + ' ' + xhr.responseText); xhr.open('POST', url); xhr.send('x') })", 'the old way'],
  ['beacon', "navigator.sendBeacon(url, new URLSearchParams('op=release'))", 'a POST that outlives the page'],
  ['img', "element('img', { src: url })", 'any GET at all'],
  ['img-redirected', "element('img', { src: through(302, url) })", 'the address is not in the page'],
  ['script', "element('script', { src: url })", 'an answer that happens to be a script'],
  ['script-callback', "element('script', { src: url + '&callback=f' })", 'JSONP, which MAAS speaks'],
  ['link', "element('link', { rel: 'stylesheet', href: url })", 'a GET'],
  ['iframe', 'framed({ src: url })', 'a navigation'],
  ['popup', 'Boolean(open(url))', 'a navigation of a window of its own'],
  ['event-source', "new Promise(done => { const source = new EventSource(url, { withCredentials: true }); source.onmessage = () => done('loaded'); source.onerror = () => { source.close(); done('error') } })", 'a stream'],
  ['websocket', "new Promise(done => { const socket = new WebSocket(url.replace('http', 'ws')); socket.onopen = () => done('loaded'); socket.onclose = () => done('closed') })", 'CORS does not cover it']
]

/** An answer of MAAS that even the most lenient element takes. */
const MARK = 'AnswerMarked0001'
const ANSWER = `HTTP/1.1 200 OK\r\nContent-Type: text/javascript\r\nContent-Length: 31\r\nConnection: close\r\n\r\nself.leaked='${MARK}';`

/** What the page runs: it waits for the proxy, tries everything at once, and reports what it saw of each. */
const pageScript = (home: string, names: readonly string[]) => `
const mode = 'no-cors'
const through = (status, url) => '${home}/' + status + '?' + encodeURIComponent(url)
const read = async promise => {
  const response = await promise
  return response.type + ' ' + response.status + ' ' + await response.text()
}
const element = (tag, fields) => new Promise(done => {
  document.body.append(Object.assign(document.createElement(tag), fields, { onload: () => done('loaded ' + self.leaked), onerror: () => done('error') }))
})
const framed = (fields, then) => new Promise(done => {
  const frame = Object.assign(document.createElement('iframe'), { name: 'frame' + Math.random() }, fields)
  document.body.append(frame)
  frame.onload = () => done('frame ' + frame.contentDocument?.body.textContent)
  then?.(frame.name)
})
const submit = (action, fields) => framed({}, target => {
  const form = Object.assign(document.createElement('form'), fields, { action, target })
  form.innerHTML = '<input name=op value=release>'
  document.body.append(form)
  form.submit()
})
const attempts = { ${ATTEMPTS.map(([kind, script]) => `'${kind}': async url => ${script}`).join(',\n')} }
onload = async () => {
  const port = await (await fetch('${home}/go')).text()
  const saw = {}
  await Promise.all(${JSON.stringify(names)}.flatMap(name => Object.entries(attempts).map(async ([kind, attempt]) => {
    const url = 'http://' + name + ':' + port + '/MAAS/api/2.0/machines/' + kind + '@' + name + '/?op=release'
    const late = new Promise(done => setTimeout(done, 5000, 'nothing'))
    saw[kind + '@' + name] = String(await Promise.race([attempt(url).catch(error => error.name), late]))
  })))
  await fetch('${home}/done', { method: 'POST', body: JSON.stringify(saw) })
}`

interface Attack {
  upstream: RawUpstream
  proxy: TestProxy
  browser: Browser
  /** what the page saw, by kind of attempt and name of the proxy */
  saw: Record<string, string>
  /** how many requests the proxy got */
  arrived: () => number
}

/**
 * Opens the page in a browser and lets it do its worst. The page comes from a server on another port than the proxy's,
 * or (rebinding) on the same: that server is gone before the proxy starts there.
 */
async function attack (
  t: Test, host: string, names: readonly string[], rebinding: boolean, flagsFor: (origin: string) => Flags = () => ({})
): Promise<Attack> {
  const upstream = await rawUpstream(t, ANSWER)
  let report: (saw: Attack['saw']) => void
  const reported = new Promise<Attack['saw']>(resolve => { report = resolve })
  let started: (proxy: TestProxy) => void
  const running = new Promise<TestProxy>(resolve => { started = resolve })
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const [path = '', query = ''] = request.url?.split('?') ?? []
    response.setHeader('Access-Control-Allow-Origin', '*').setHeader('Connection', 'close')
    if (path === '/') return response.setHeader('Content-Type', 'text/html').end(`<!doctype html><link rel=icon href=data:,><body><script src=${home}/script></script>`)
    if (path === '/script') return response.end(pageScript(home, names))
    if (path === '/done') report(JSON.parse(await text(request)))
    if (path !== '/go') return response.writeHead(Number(path.slice(1)) || 204, query === '' ? {} : { Location: decodeURIComponent(query) }).end()
    if (rebinding) {
      pageServer.close().closeAllConnections()
      await once(pageServer, 'close')
    }
    const proxy = await startTestProxy(t, testConfig(upstream.url, { ...flagsFor(origin), listen: [`127.0.0.1:${rebinding ? pagePort : 0}`] }))
    started(proxy)
    response.end(String(proxy.port))
  }
  const [homeServer, pageServer] = [createServer(serve), createServer(serve)]
  const [homePort, pagePort] = [await listenOn(t, homeServer), await listenOn(t, pageServer)]
  const home = `http://127.0.0.1:${homePort}`
  const origin = rebinding ? `http://${host}:${pagePort}` : `http://${host}:${homePort}`
  let arrived = 0
  const count = (message: unknown) => {
    const { server } = message as { server: Server }
    if (server !== homeServer && server !== pageServer) arrived++ // there is no other but the proxy's
  }
  subscribe('http.server.request.start', count)
  t.after(() => unsubscribe('http.server.request.start', count))
  const browser = openChromium(t, `${origin}/`)
  const [saw, proxy] = await browser.during(Promise.all([reported, running]))
  return { upstream, proxy, browser, saw, arrived: () => arrived }
}

/** Everything was sent, everything was refused, and the page learnt nothing. */
async function allRefused (
  t: Test, names: readonly string[], { upstream, proxy, browser, saw, arrived }: Attack
): Promise<void> {
  const requests = () => proxy.log.filter(record => record['msg'] === 'request')
  for (const [kind, , reason] of ATTEMPTS) {
    for (const name of names) {
      const what = `${kind} to ${name}: ${reason}`
      if (kind === 'websocket') {
        await browser.during(proxy.logged(() => requests().filter(({ error }) => error === 'MAAS_PROXY_UPGRADE_UNSUPPORTED').length === names.length))
      } else {
        const { error } = await browser.during(proxy.logged(({ path }) => path === `/MAAS/api/2.0/machines/${kind}@${name}/`))
        t.equal(error, kind === 'script-callback' ? 'MAAS_PROXY_CALLBACK_PRESENT' : name === 'evil.example' ? 'MAAS_PROXY_HOST_REFUSED' : 'MAAS_PROXY_ORIGIN_REFUSED', what)
      }
      t.notMatch(saw[`${kind}@${name}`] ?? MARK, new RegExp(`${MARK}|\\b200\\b|^loaded`), what)
    }
  }
  await browser.end()
  await proxy.stop()
  const refused = requests().filter(({ error }) => /^MAAS_PROXY_(HOST_REFUSED|ORIGIN_REFUSED|CALLBACK_PRESENT|UPGRADE_UNSUPPORTED|PATH_UNSERVED)$/.test(String(error)))
  t.equal(refused.length, arrived(), 'as many refusals as requests, with the icons that the popups ask for')
  t.equal(upstream.sockets.length, 0, 'MAAS saw nothing')
}

t.test('a browser gets nothing through for a page of another origin', { skip: withoutChromium }, async t => {
  const names = ['127.0.0.1', 'localhost']
  await allRefused(t, names, await attack(t, '127.0.0.1', names, false))
})

t.test('a browser gets nothing through for a page whose name resolves to the proxy', { skip: withoutChromium }, async t => {
  const names = ['evil.example', '127.0.0.1', 'localhost']
  await allRefused(t, names, await attack(t, 'evil.example', names, true))
})

t.test('a page of an allowed origin gets its answer', { skip: withoutChromium }, async t => {
  const { upstream, proxy, browser } = await attack(t, '127.0.0.1', ['127.0.0.1'], false, origin => ({ allowOrigin: [origin] }))
  for (const kind of ['fetch-urlencoded', 'form-multipart', 'beacon']) {
    await t.resolves(browser.during(upstream.sawText(`POST /MAAS/api/2.0/machines/${kind}@127.0.0.1/`)), kind)
  }
  const { method, error } = await browser.during(proxy.logged(({ path }) => path === '/MAAS/api/2.0/machines/fetch-delete@127.0.0.1/'))
  t.strictSame([method, error], ['OPTIONS', 'MAAS_PROXY_ORIGIN_REFUSED'], 'but not what needs a preflight')
})

t.test('a page under an allowed name gets and reads its answer', { skip: withoutChromium }, async t => {
  const { saw } = await attack(t, 'evil.example', ['evil.example'], true, () => ({ allowHost: ['evil.example'] }))
  for (const kind of ['fetch-urlencoded', 'fetch-delete', 'xhr', 'script', 'iframe']) t.match(saw[`${kind}@evil.example`], MARK, kind)
})
