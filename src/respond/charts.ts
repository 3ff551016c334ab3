import type { MinuteSummary } from '../observe/last-hour.ts'
import { type Html, html } from './html.ts'

/** The size of a chart, in units of its view box; the rest around the plot is for words. */
const CHART = { width: 600, height: 190, left: 62, right: 8, top: 12, bottom: 28 } as const

const PLOT_WIDTH = CHART.width - CHART.left - CHART.right
const PLOT_HEIGHT = CHART.height - CHART.top - CHART.bottom
const BASE = CHART.height - CHART.bottom

/** Draws the requests of each minute as a bar; a part of it is those that failed. */
export function requestsChart (minutes: readonly MinuteSummary[]): Html {
  const top = roundUp(Math.max(...minutes.map(({ requests }) => requests), 1))
  const height = (count: number) => PLOT_HEIGHT * count / top
  const width = round(PLOT_WIDTH / minutes.length - 1)
  const bar = (i: number, className: string, count: number) => {
    const [x, y] = [round(xOf(i, minutes.length) + 0.5), round(BASE - height(count))]
    return html`<rect class="${className}" x="${x}" y="${y}" width="${width}" height="${round(height(count))}"/>`
  }
  const bars = minutes.map(({ requests, failed }, i) => html`<g>
<title>${agoOf(i, minutes.length)}: ${requests} requests, ${failed} failed</title>
${bar(i, 'bar', requests)}${bar(i, 'failed', failed)}
</g>
`)
  return chart('Requests in each minute of the last hour', [0, top / 2, top].map(count => (
    { y: BASE - height(count), text: String(count) }
  )), bars)
}

/** Draws the median of the durations of each minute, and the bound of the slowest twentieth, on a logarithmic axis. */
export function durationsChart (minutes: readonly MinuteSummary[]): Html {
  const decades = Math.max(Math.ceil(Math.log10(Math.max(...minutes.map(({ slowMs }) => slowMs), 10))), 1)
  const y = (ms: number) => BASE - PLOT_HEIGHT * Math.log10(Math.max(ms, 1)) / decades
  const line = (className: string, valueOf: (minute: MinuteSummary) => number) => {
    const points = minutes.map((minute, i) => (
      { isKnown: minute.requests > 0, x: xOf(i + 0.5, minutes.length), y: y(valueOf(minute)) }
    ))
    const path = points.flatMap((point, i) => {
      if (!point.isKnown) return []
      const isStart = i === 0 || points[i - 1]?.isKnown === false
      return [`${isStart ? 'M' : 'L'}${round(point.x)} ${round(point.y)}${isStart ? 'h0.01' : ''}`]
    })
    return html`<path class="${className}" d="${path.join('')}"/>\n`
  }
  const grid = Array.from({ length: decades + 1 }, (_, i) => ({ y: y(10 ** i), text: decadeOf(10 ** i) }))
  return chart('Durations in each minute of the last hour', grid, [
    line('slow', ({ slowMs }) => slowMs), line('middle', ({ medianMs }) => medianMs)
  ])
}

interface GridLine {
  y: number
  text: string
}

function chart (title: string, grid: readonly GridLine[], content: readonly Html[]): Html {
  const { width, height, left, right } = CHART
  const lines = grid.map(({ y, text }) => html`<path class="grid" d="M${left} ${round(y)}H${width - right}"/>
<text x="${left - 8}" y="${round(y + 5)}" text-anchor="end">${text}</text>
`)
  return html`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
${lines}${content}<text x="${left}" y="${height - 6}">an hour ago</text>
<text x="${width - right}" y="${height - 6}" text-anchor="end">now</text></svg>`
}

function xOf (minute: number, count: number): number {
  return CHART.left + PLOT_WIDTH * minute / count
}

function decadeOf (ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`
}

function agoOf (i: number, count: number): string {
  const minutes = count - 1 - i
  return minutes === 0 ? 'this minute' : `${minutes} min ago`
}

/** The next of 2, 4, 10, 20, 40, 100 ...: half of it is a whole number too. */
function roundUp (count: number): number {
  const decade = 10 ** Math.floor(Math.log10(count))
  return [2, 4, 10, 20].map(step => step * decade).find(step => step >= count) as number
}

function round (value: number): number {
  return Math.round(value * 100) / 100
}
