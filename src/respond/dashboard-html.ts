import { ERRORS } from '../errors.ts'
import { formatMs, notesOf, pathOf } from '../observe/log/request-line.ts'
import type { RecentRequest } from '../observe/recent-requests.ts'
import { durationsChart, requestsChart } from './charts.ts'
import type { DashboardData } from './dashboard-data.ts'
import { factsHtml, stateHtml } from './facts-html.ts'
import { type Html, html } from './html.ts'
import { htmlPage } from './html-page.ts'

/** The page of the separate address. */
export function dashboardHtml ({ version, listeners, latest, errors, minutes }: DashboardData): string {
  return htmlPage('maas-auth-proxy: status', html`<header><h1>maas-auth-proxy</h1>
<span class="quiet">${version}</span></header>
<div class="pair">
${listeners.map(facts => html`<section class="card"><h2>${stateHtml(facts)}</h2>${factsHtml(facts)}</section>\n`)}</div>
<div class="pair">
<section class="card"><h2>Requests a minute <span class="bad">▪ failed</span></h2>
${requestsChart(minutes)}</section>
<section class="card"><h2>Durations <span class="mark">▪ median</span> <span class="odd">▪ slowest twentieth</span></h2>
${durationsChart(minutes)}</section>
</div>
<section class="card"><h2>Errors since the start</h2>${errorsHtml(errors)}</section>
<section class="card"><h2>The latest requests</h2>${requestsHtml(latest)}</section>
<footer>For monitoring: <a href="/-/ready">/-/ready</a> <a href="/-/live">/-/live</a>
<a href="/-/metrics">/-/metrics</a></footer>`)
}

function errorsHtml (errors: DashboardData['errors']): Html {
  if (errors.length === 0) return html`<p class="quiet">none</p>`
  const rows = errors.map(({ code, count }) => (
    html`<tr><td class="number">${count}</td><td><code>${code}</code></td><td>${ERRORS[code].message}</td></tr>\n`
  ))
  return html`<table>
<thead><tr><th class="number">count</th><th>code</th><th>meaning</th></tr></thead>
<tbody>${rows}</tbody></table>`
}

function requestsHtml (latest: readonly RecentRequest[]): Html {
  if (latest.length === 0) return html`<p class="quiet">none yet</p>`
  return html`<table class="requests">
<thead><tr><th>at (UTC)</th><th>method</th><th>path</th><th>status</th><th>access</th><th>client</th>
<th class="number">took</th></tr></thead>
<tbody>${latest.map(rowOf)}</tbody></table>`
}

function rowOf (request: RecentRequest): Html {
  const { at, method, status, access = '', client = '', ms } = request
  const notes = notesOf(request).map(({ kind, text }) => (
    html`<div class="${kind === 'error' ? 'bad' : 'odd'}">${kind}: ${text}</div>`
  ))
  return html`<tr><td>${new Date(at).toISOString().slice(11, 19)}</td><td>${method}</td>
<td class="path">${pathOf(request)}${notes}</td><td class="${classOf(status)}">${status ?? '---'}</td>
<td>${access}</td><td>${client}</td><td class="number">${formatMs(ms)}</td></tr>\n`
}

function classOf (status = 500): string {
  return status >= 500 ? 'bad' : status >= 400 ? 'odd' : 'good'
}
