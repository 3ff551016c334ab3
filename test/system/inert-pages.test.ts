import t from 'tap'
import { openChromium, withoutChromium } from '../helper/chromium.ts'
import { startTestProxy, testConfig } from '../helper/proxy.ts'
import { rawUpstream } from '../helper/sockets.ts'

t.setTimeout(120_000) // a browser is slow where much else runs

/*
 * The attack: a file in MAAS is a page with a script, which releases a machine. The link to it leads by way of the
 * proxy. The image behind the script tells that the browser has shown the page.
 */
const CASES: Array<[type: string, body: string]> = [
  ['text/html', "<!doctype html><script>fetch('/MAAS/api/2.0/machines/abc/?op=release', { method: 'POST' })</script><img src='/MAAS/shown'>"],
  ['image/svg+xml', "<svg xmlns='http://www.w3.org/2000/svg'><script>fetch('/MAAS/api/2.0/machines/abc/?op=release', { method: 'POST' })</script><image href='/MAAS/shown'/></svg>"]
]

for (const [type, body] of CASES) {
  t.test(`a browser runs no script in an answer of the type ${type}`, { skip: withoutChromium }, async t => {
    const upstream = await rawUpstream(t, socket => {
      socket.end(`HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`)
    })
    const proxy = await startTestProxy(t, testConfig(upstream.url))
    const browser = openChromium(t, `http://127.0.0.1:${proxy.port}/MAAS/api/2.0/files/x/`)
    const path = '/MAAS/shown'
    t.match(await browser.during(proxy.logged(record => record['path'] === path)), { path }, 'the page is shown')
    await browser.end()
    t.notMatch(upstream.received(), 'op=release', 'its script has not run')
  })
}
