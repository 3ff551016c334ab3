import { ERRORS } from '../../errors.ts'
import { OTHER_FLAGS } from '../flags.ts'
import { configurationFile, ENDPOINTS, FILES, RULES, type Section, SIGNALS } from '../help/sections.ts'
import { meaningOf, usageOf } from '../help/settings.ts'
import type { Row } from '../help/text.ts'
import type { Setting } from '../../settings/setting.ts'
import { SETTINGS } from '../../settings/table.ts'
import type { Commands, Example } from '../command.ts'
import { EXIT_STATUS } from '../exit-status.ts'
import { usagesOf } from '../usage.ts'

const SUMMARY = 'sign plain requests to MAAS with an API key that only the proxy holds'

const DESCRIPTION =
  'Takes plain requests on localhost, signs them with OAuth 1.0 by the API key, and passes them on to MAAS. ' +
  'Without a command it serves. Settings may stand before and after the words of a command; -- ends them.'

const PRECEDENCE =
  'A flag is stronger than its variable, the variable than one in the .env file, and that than the default.'

const ERRORS_INTRODUCTION = 'Answers of the proxy itself have the header MAAS-Proxy-Error with one of these codes.'

/** The manual page in the macros of man(7), from the tables of commands, settings, exit codes and errors. */
export function manPage (commands: Commands, version: string): string {
  const settings: Array<Setting<unknown>> = Object.values(SETTINGS)
  const list = Object.entries(commands)
  const usages = list.flatMap(([name, command]) => usagesOf(name, command))
  const errors = Object.entries(ERRORS)
    .map(([code, { status, message, remedy }]): Row => [`${code} (${status})`, `${message}: ${remedy}`])
  return [
    `.TH MAAS\\-AUTH\\-PROXY 1 "" "maas\\-auth\\-proxy ${escape(version)}" "User Commands"`,
    section('NAME', `maas\\-auth\\-proxy \\- ${escape(SUMMARY)}`),
    section('SYNOPSIS', usages.map(usage => `.B maas\\-auth\\-proxy\n${escape(usage)}`).join('\n.br\n')),
    section('DESCRIPTION', escape(DESCRIPTION)),
    section('EXAMPLES', rows(list.flatMap(([, { examples }]) => examples.map(exampleRow)))),
    section('COMMANDS', rows(list.map(([name, { help }]) => [name, help]))),
    section('SETTINGS', `${escape(PRECEDENCE)}\n${rows(settings.map(row => [usageOf(row), meaningOf(row)]))}`),
    section('OTHER FLAGS', rows(Object.entries(OTHER_FLAGS))),
    section('ENVIRONMENT', rows([
      ...settings.map(({ flag, env }): Row => [env, flag === null ? 'see SETTINGS' : `as ${flag}`]),
      ['https_proxy, http_proxy, all_proxy, no_proxy', 'the egress proxy in front of MAAS, and its exceptions'],
      [
        'CREDENTIALS_DIRECTORY',
        'set by systemd: the directory of the file maas-api-key, which has the API key unless a setting names another'
      ]
    ])),
    section('RULES', bodyOf(RULES)),
    section('CONFIGURATION FILE', bodyOf(configurationFile())),
    section('ENDPOINTS', bodyOf(ENDPOINTS)),
    section('FILES', bodyOf(FILES)),
    section('SIGNALS', bodyOf(SIGNALS)),
    section('EXIT STATUS', rows(EXIT_STATUS)),
    section('ERRORS', `${escape(ERRORS_INTRODUCTION)}\n${rows(errors)}`)
  ].join('\n') + '\n'
}

function section (title: string, body: string): string {
  return `.SH ${title}\n${body}`
}

function exampleRow ([line, purpose]: Example): Row {
  return [`maas-auth-proxy ${line}`, purpose]
}

/** A section of help as the body of one in man(7). */
function bodyOf ({ paragraphs, rows: list, sample }: Section): string {
  return [
    ...paragraphs.map(escape).flatMap((paragraph, i) => i === 0 ? [paragraph] : ['.PP', paragraph]),
    ...list.length === 0 ? [] : [rows(list)],
    ...sample === '' ? [] : ['.PP', '.nf', ...sample.split('\n').map(escape), '.fi']
  ].join('\n')
}

function rows (list: readonly Row[]): string {
  return list.map(([term, text]) => `.TP\n.B ${escape(term)}\n${escape(text)}`).join('\n')
}

/** Escapes a text for roff: no line becomes a request, and hyphens and quotes stay ASCII. */
function escape (text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq').replaceAll('"', '\\(dq').replace(/^\./, '\\&.')
}
