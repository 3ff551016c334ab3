// What was measured, for people: as text, and as the section of README that is between two marks.
import { readFileSync, writeFileSync } from 'node:fs'

const BEGIN = '<!-- what follows is written by npm run bench -- --readme -->'
const END = '<!-- end of what is written -->'

const fixed = digits => value => value == null ? '' : value.toFixed(digits)
const whole = value => value == null ? '' : Math.round(value).toLocaleString('en')

/** The columns of the main table. */
const COLUMNS = [
  ['', row => `${row.name}${row.version === undefined ? '' : ` ${row.version}`}`],
  ['signs', row => row.signs ? 'yes' : 'no'],
  ['CPU µs/request', row => fixed(1)(row.cpuUs?.median)],
  ['ours : it', row => ratioText(row.ratio)],
  ['requests/s', row => whole(row.perSecond)],
  ['p50 ms', row => fixed(2)(row.p50Ms)],
  ['p99 ms', row => fixed(2)(row.p99Ms)],
  ['peak MiB', row => whole(row.peakMib)]
]
const GOAL_COLUMN = ['goal', row => row.goal === null ? '' : `${row.goal} ${verdict(row.ratio.median <= row.goal)}`]

const verdict = met => met ? 'met' : 'missed'

const ratioText = ratio => ratio === null ? '' : spreadText(ratio, 2)

function spreadText ({ median, p10, p90 }, digits) {
  return `${median.toFixed(digits)} [${p10.toFixed(digits)}-${p90.toFixed(digits)}]`
}

function cells (columns, rows) {
  return [columns.map(([title]) => title), ...rows.map(row => columns.map(([, text]) => text(row)))]
}

function sentence ({ name, unit, values, against, ratio, over, difference }) {
  const digits = value => value < 10 ? value.toFixed(2) : value.toFixed(0)
  const each = Object.entries(values).map(([candidate, value]) => `${candidate} ${digits(value)}`).join(', ')
  const compared = ratio !== null
    ? `; ours : ${against} ${ratioText(ratio)}`
    : difference !== null ? `; ours - ${over} ${spreadText(difference, 0)}` : ''
  return `${name}, ${unit}: ${each}${compared}`
}

/** How it was measured, without which no figure means anything. */
function circumstances ({ date, machine: { cpu, cores, kernel, node, pinned, upstream, generator }, pairs, seconds }) {
  return `${date.slice(0, 10)}, ${cpu}, ${cores} cores, Linux ${kernel}, Node ${node}; ${pinned ? 'the proxy alone on one core, load and upstream on the rest' : 'nothing pinned to a core'}; ` +
    `upstream ${upstream}, load by ${generator}, 32 connections, 1 KiB of JSON; medians of ${pairs} slices of ${seconds} s; ratios of CPU in pairs of slices, median [10-90 %]`
}

/** For a terminal, each figure with the goal. */
export function asText (result) {
  const lines = cells([...COLUMNS, GOAL_COLUMN], result.rows)
  const widths = lines[0].map((_, i) => Math.max(...lines.map(line => line[i].length)))
  const table = lines.map(line => line.map((text, i) => i < 2 ? text.padEnd(widths[i]) : text.padStart(widths[i])).join('  ').trimEnd())
  const figures = result.figures.map(figure => `${sentence(figure)}; goal ${figure.goal}${figure.met === null ? '' : ` ${verdict(figure.met)}`}`)
  // Not even the cheapest slices of a busy machine were within the goal.
  const warnings = result.rows.filter(({ ratio, goal }) => goal !== null && ratio.p10 > goal)
    .map(({ name, ratio, goal }) => `warning: a request costs ${ratio.median.toFixed(2)} of what it costs ${name}, and should cost at most ${goal}`)
  return [[circumstances(result)], table, figures, warnings].filter(part => part.length > 0).map(part => part.join('\n')).join('\n\n')
}

/** Puts the figures and the picture into README, between the marks. @param picture its path from README */
export function writeReadme (path, result, picture) {
  const [before, rest] = readFileSync(path, 'utf8').split(`${BEGIN}\n`)
  const after = rest?.split(`${END}\n`)[1]
  if (after === undefined) throw new Error(`${path} has not both lines ${BEGIN} and ${END}`)
  const [titles, ...lines] = cells(COLUMNS, result.rows).map(line => `| ${line.join(' | ')} |`)
  const section = [
    `![CPU time for a request, each proxy](${picture})`,
    '',
    titles,
    `|${COLUMNS.map((_, i) => i < 2 ? '---' : '--:').join('|')}|`,
    ...lines,
    '',
    ...result.figures.map(figure => `- ${sentence(figure)}`),
    '',
    `Measured on ${circumstances(result)}.`
  ]
  writeFileSync(path, `${before}${BEGIN}\n${section.join('\n')}\n${END}\n${after}`)
}
