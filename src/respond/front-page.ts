import type { FastifyInstance } from 'fastify'
import { chooseMediaType } from '../http/accept.ts'
import { noPaint } from '../text/terminal.ts'
import { formatFacts, type ListenerFacts, titleOf } from './facts.ts'
import { factsHtml, stateHtml } from './facts-html.ts'
import { html } from './html.ts'
import { htmlPage, pageHeaders } from './html-page.ts'
import { LIVE_PATH, METRICS_PATH, READY_PATH } from './status-pages.ts'

interface FrontPageOptions {
  facts: () => Promise<ListenerFacts>
}

/** The types of the page: text comes first, because that is for clients that accept anything, such as curl. */
const TYPES = ['text/plain', 'text/html', 'application/json'] as const

/** Registers `/`: a page that says what this server is and how it does, with lines to copy. */
export async function frontPage (app: FastifyInstance, { facts }: FrontPageOptions): Promise<void> {
  app.get('/', async (request, reply) => {
    void reply.headers({ Vary: 'Accept', 'Cache-Control': 'no-store' })
    const type = chooseMediaType(request.headers.accept, TYPES)
    const found = await facts()
    if (type === 'application/json') return await reply.send(found)
    if (type === 'text/html') return await reply.headers(pageHeaders()).send(frontPageHtml(found))
    return await reply.type('text/plain; charset=utf-8').send(frontPageText(found))
  })
}

function frontPageText (facts: ListenerFacts): string {
  const lines = facts.examples.filter(({ tool }) => tool === 'curl').map(({ text }) => `  ${text}\n`)
  return `${titleOf(facts)}\n\n${formatFacts(facts, noPaint, '  ')}\n${lines.join('')}`
}

function frontPageHtml (facts: ListenerFacts): string {
  const { version, examples } = facts
  const rows = examples.map(({ tool, text }) => html`<dt>${tool}</dt><dd><pre><code>${text}</code></pre></dd>\n`)
  const links = [READY_PATH, LIVE_PATH, METRICS_PATH].map(path => html`<a href="${path}">${path}</a> `)
  return htmlPage('maas-auth-proxy', html`<header><h1>maas-auth-proxy</h1>${stateHtml(facts)}
<span class="quiet">${version}</span></header>
<p class="quiet">Signs requests to the API of MAAS. Clients need no API key.
Where a tool insists on one, it is x:x:x.</p>
<section class="card">${factsHtml(facts)}</section>
<section class="card"><h2>Lines to copy</h2>
<dl class="facts">
${rows}</dl></section>
<footer>For monitoring: ${links}</footer>`)
}
