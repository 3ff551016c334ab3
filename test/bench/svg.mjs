// The main table as a picture: a bar for the CPU time of a request, and the figures beside it; for light and dark
// pages.

const WIDTH = 760
const ROW = 26
const TOP = 58
const BAR_AT = 190
const BAR_WIDTH = 330
/** where the columns of figures end */
const COLUMNS = [['requests/s', 640], ['p99 ms', 745]]

/** @returns the text of an SVG file */
export function asSvg ({ rows, date, machine }) {
  const shown = rows.filter(({ cpuUs }) => cpuUs !== null).toSorted((a, b) => a.cpuUs.median - b.cpuUs.median)
  const most = Math.max(...shown.map(({ cpuUs }) => cpuUs.median))
  const height = TOP + shown.length * ROW + 30
  const lines = shown.map((row, i) =>
    line(row, TOP + i * ROW, most, row === rows.find(({ ratio, cpuUs }) => ratio === null && cpuUs !== null)))
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="CPU time for a request, in microseconds">
<style>
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 }
  .small { font-size: 11px; fill: #59636e }
  .number { text-anchor: end }
  rect { fill: #8c959f }
  .ours rect { fill: #0969da }
  .ours text { font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .small { fill: #9198a1 }
    rect { fill: #656c76 }
    .ours rect { fill: #4493f8 }
  }
</style>
<text class="title" x="10" y="22">CPU time for a request, µs (less is better)</text>
<text class="small" x="10" y="44">+ signs every request anew</text>
${COLUMNS.map(([title, x]) => `<text class="small number" x="${x}" y="44">${title}</text>`).join('\n')}
${lines.join('\n')}
<text class="small" x="10" y="${height - 10}">${escape(`${date.slice(0, 10)}, ${machine.cpu}, one core each, Node ${machine.node}`)}</text>
</svg>
`
}

function line ({ name, signs, cpuUs, perSecond, p99Ms }, y, most, ours) {
  const length = Math.round(cpuUs.median / most * BAR_WIDTH)
  const figures = [Math.round(perSecond).toLocaleString('en'), p99Ms.toFixed(1)]
  return `<g${ours ? ' class="ours"' : ''}>
<text x="10" y="${y + 14}">${escape(name)}${signs ? ' +' : ''}</text>
<rect x="${BAR_AT}" y="${y}" width="${length}" height="18" rx="2"/>
<text x="${BAR_AT + length + 6}" y="${y + 14}">${cpuUs.median.toFixed(0)}</text>
${figures.map((text, i) => `<text class="number" x="${COLUMNS[i][1]}" y="${y + 14}">${text}</text>`).join('\n')}
</g>`
}

function escape (text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
