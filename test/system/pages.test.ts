import t from 'tap'
import { createServer } from 'node:http'
import { mkdirSync, writeFileSync } from 'node:fs'
import { inflateSync } from 'node:zlib'
import { startStandIn } from '../../src/demo/stand-in/index.ts'
import type { DashboardData } from '../../src/respond/dashboard-data.ts'
import { dashboardHtml } from '../../src/respond/dashboard-html.ts'
import { pageHeaders } from '../../src/respond/html-page.ts'
import { photograph, withoutChromium } from '../helper/chromium.ts'
import { startTestProxy, testConfig } from '../helper/proxy.ts'
import { listenOn } from '../helper/sockets.ts'

t.setTimeout(300_000) // a browser is slow where much else runs

/** Whether the pictures of README are made anew, with the usual port. */
const makesPictures = process.env['SCREENSHOTS'] === '1'
const PICTURES = new URL('../screenshots/', import.meta.url)

/** Takes a picture of a page in light and in dark, and keeps the light one for README. */
async function check (t: Test, name: string, address: string, size: { width: number, height: number }): Promise<void> {
  for (const [isDark, background] of [[false, '#f6f7f9'], [true, '#14171b']] as const) {
    const { png, complaints } = await photograph(t, address, size, isDark)
    t.strictSame(complaints, [], `${name}: the browser finds nothing that its policy forbids`)
    t.equal(firstPixel(png), background, `${name}: the style is in effect, ${isDark ? 'dark' : 'light'}`)
    t.ok(png.length < 150_000, `${name}: small enough for README: ${png.length}`)
    if (!makesPictures || isDark) continue
    mkdirSync(PICTURES, { recursive: true })
    writeFileSync(new URL(`${name}.png`, PICTURES), png)
  }
}

interface Test {
  after: (close: () => unknown) => void
  testdir: () => string
  equal: (a: unknown, b: unknown, message: string) => boolean
  ok: (value: unknown, message: string) => boolean
  strictSame: (a: unknown, b: unknown, message: string) => boolean
}

/** The colour of the pixel at the top left, which no filter of PNG changes. */
function firstPixel (png: Buffer): string {
  const parts: Buffer[] = []
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at)
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + length))
    at += length + 12
  }
  return `#${inflateSync(Buffer.concat(parts)).toString('hex', 1, 4)}`
}

t.test('both pages look as they are meant to, in a browser', { skip: withoutChromium }, async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  const { consumer, token, secret } = maas.admin
  const flags = {
    listen: [`127.0.0.1:${makesPictures ? 5241 : 0}`],
    adminListen: ['127.0.0.1:0'],
    deny: ['DELETE machines/**']
  }
  const proxy = await startTestProxy(t, testConfig(maas.url, flags, `${consumer}:${token}:${secret}`))
  const paths: Array<[method: string, path: string]> = [
    ['GET', 'machines/'], ['GET', 'users/?op=whoami'], ['POST', 'machines/?op=allocate'], ['GET', 'version/'],
    ['GET', 'account/?op=list_authorisation_tokens'], ['GET', 'tags/'], ['DELETE', 'machines/abc123/']
  ]
  for (const [method, path] of paths) await (await fetch(`${proxy.address}/MAAS/api/2.0/${path}`, { method })).text()
  await check(t, 'front-page', proxy.address, { width: 900, height: 700 })
  const requests = proxy.log.filter(({ msg }) => msg === 'request').map(({ path }) => path)
  t.notOk(requests.includes('/favicon.ico'), 'the browser asks for nothing else')

  const answer = await fetch(proxy.adminAddress ?? '', { headers: { Accept: 'application/json' } })
  const data = await answer.json() as DashboardData
  const minutes = data.minutes.map((_, i) => {
    const requests = i > 34 && i < 40 ? 0 : Math.round(9 + 6 * Math.sin(i / 7) + 3 * Math.sin(i * 2.3))
    const failed = i % 11 === 5 ? Math.min(2, requests) : 0
    return { requests, failed, medianMs: 11 + 4 * Math.sin(i / 3), slowMs: 90 + 60 * Math.sin(i * 1.7) }
  })
  const page = dashboardHtml({ ...data, minutes })
  const server = createServer((_request, response) => { response.writeHead(200, pageHeaders()).end(page) })
  await check(t, 'status-page', `http://127.0.0.1:${await listenOn(t, server)}/`, { width: 1150, height: 1000 })
})
