import { ERRORS } from '../../errors.ts'
import { describeMetrics } from '../../observe/metrics/table.ts'
import { GROUPS, type Setting } from '../../settings/setting.ts'
import { SETTINGS } from '../../settings/table.ts'
import { EXIT_STATUS } from '../exit-status.ts'
import { OTHER_FLAGS } from '../flags.ts'
import { configurationFile, RULES, type Section } from './sections.ts'
import { meaningOf, usageOf } from './settings.ts'
import { list, type Row, wrap } from './text.ts'

/** The topics of `help TOPIC`, each with a function that makes its text. */
export const TOPICS: Readonly<Record<string, () => string>> = {
  settings,
  rules: () => textOf(RULES),
  errors,
  metrics,
  config: () => textOf(configurationFile())
}

/** A section as text. */
function textOf ({ paragraphs, rows, sample }: Section): string {
  const parts = [
    ...paragraphs.map(paragraph => wrap(paragraph)),
    ...rows.length === 0 ? [] : [list(rows)],
    ...sample === '' ? [] : [sample.replaceAll(/^(?=.)/gm, '  ')]
  ]
  return `${parts.join('\n\n')}\n`
}

function settings (): string {
  const all: ReadonlyArray<Setting<unknown>> = Object.values(SETTINGS)
  const groups = GROUPS.map(group => `${group}:\n${list(all.filter(row => row.group === group).map(settingRow))}`)
  return `${wrap('Flag > environment > .env file > default. A repeatable setting has several values: its flag is ' +
    'given several times, its variable is split at line breaks and semicolons.')}

${groups.join('\n\n')}

other flags:
${list(Object.entries(OTHER_FLAGS))}
`
}

function settingRow (setting: Setting<unknown>): Row {
  const variable = setting.flag === null ? '' : `, ${setting.env}`
  return [`${usageOf(setting)}${variable}`, meaningOf(setting)]
}

function errors (): string {
  const rows = Object.entries(ERRORS).map(([code, { status, message }]): Row => [`${code} (${status})`, message])
  return `${wrap('Answers of the proxy itself have the header MAAS-Proxy-Error with one of these codes, and a JSON ' +
    'body that says what to do. Answers of MAAS pass unchanged. maas-auth-proxy explain CODE tells more.')}

${list(rows)}

exit codes:
${list(EXIT_STATUS)}
`
}

function metrics (): string {
  const rows = describeMetrics().map(({ name, type, labels, help }): Row => (
    [`${name}${labels.length === 0 ? '' : `{${labels.join(', ')}}`}`, `${type}: ${help}`]
  ))
  return `/-/metrics has these for Prometheus, beside those of the process.\n\n${list(rows)}\n`
}
