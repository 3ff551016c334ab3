import type { FastifyInstance } from 'fastify'
import { isIP } from 'node:net'
import { type BrowserGuard, checkBrowser } from '../admit/browser.ts'
import { chooseMediaType } from '../http/accept.ts'
import { withoutBrackets } from '../listen/address.ts'
import { formatRequest } from '../observe/log/request-line.ts'
import { noPaint } from '../text/terminal.ts'
import type { DashboardData } from './dashboard-data.ts'
import { dashboardHtml } from './dashboard-html.ts'
import { formatFacts } from './facts.ts'
import { pageHeaders } from './html-page.ts'

/** The sources of the page. */
export interface DashboardOptions {
  dashboard: () => Promise<DashboardData>
  /** the names of the address that the page is served at */
  browser: BrowserGuard
}

/** How often a browser shows the page anew, in seconds. */
const REFRESH_SECONDS = 10

const TYPES = ['text/plain', 'text/html', 'application/json'] as const

/** Registers `/` of the separate address: the facts of all listeners, the latest requests, and the last hour. */
export async function dashboardPage (
  app: FastifyInstance, { dashboard, browser }: DashboardOptions
): Promise<void> {
  app.get('/', async (request, reply) => {
    const { headers } = request.raw
    checkBrowser(request.raw, isAddress(headers.host) ? { ...browser, hosts: null } : browser)
    void reply.headers({ Vary: 'Accept', 'Cache-Control': 'no-store' })
    const type = chooseMediaType(headers.accept, TYPES)
    const data = await dashboard()
    if (type === 'application/json') return await reply.send(data)
    if (type === 'text/plain') return await reply.type('text/plain; charset=utf-8').send(dashboardText(data))
    return await reply.headers({ ...pageHeaders(), Refresh: REFRESH_SECONDS }).send(dashboardHtml(data))
  })
}

/**
 * Whether a `Host` is an IP address, which is no danger: the name of a web page may resolve to this machine (DNS
 * rebinding), but then the page's browser sends that name.
 */
function isAddress (host = ''): boolean {
  return isIP(withoutBrackets(host.replace(/:\d+$/, ''))) !== 0
}

function dashboardText ({ listeners, latest }: DashboardData): string {
  const screen = { paint: noPaint, columns: () => Infinity }
  const lines = latest.flatMap(request => {
    const [first, ...notes] = formatRequest(request, screen)
    return [`${new Date(request.at).toISOString()}  ${first}\n`, ...notes.map(note => `    ${note}\n`)]
  })
  return `${listeners.map(facts => formatFacts(facts, noPaint)).join('\n')}\n${lines.join('')}`
}
