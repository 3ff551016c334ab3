import { ERRORS } from '../../errors.ts'
import { OTHER_FLAGS } from '../flags.ts'
import { meaningOf, usageOf } from '../help.ts'
import type { Setting } from '../../settings/setting.ts'
import { SETTINGS } from '../../settings/table.ts'
import type { Commands } from '../command.ts'
import { EXIT_STATUS } from '../exit-status.ts'
import { usagesOf } from '../usage.ts'

/** A term and what is said of it. */
type Row = readonly [term: string, text: string]

/** The manual page, in the macros of man(7), made from the tables of commands, settings, exit codes and errors. */
export function manPage (commands: Commands, version: string): string {
  const settings: Array<Setting<unknown>> = Object.values(SETTINGS)
  const names = Object.entries(commands)
  return [
    `.TH MAAS\\-AUTH\\-PROXY 1 "" "maas\\-auth\\-proxy ${escape(version)}" "User Commands"`,
    section('NAME', `maas\\-auth\\-proxy \\- ${escape('sign plain requests to MAAS with an API key that only the proxy holds')}`),
    section('SYNOPSIS', names.flatMap(([name, command]) => usagesOf(name, command)).map(usage => `.B maas\\-auth\\-proxy\n${escape(usage)}`).join('\n.br\n')),
    section('DESCRIPTION', escape('Takes plain requests on localhost, signs them with OAuth 1.0 by the API key, and passes them on to MAAS. Without a command it serves. Settings may stand before and after the words of a command; -- ends them.')),
    section('COMMANDS', rows(names.map(([name, { help }]) => [name, help]))),
    section('SETTINGS', `${escape('A flag is stronger than its variable, that than one in the .env file, and that than the default.')}\n${rows(settings.map((setting): Row => [usageOf(setting), meaningOf(setting)]))}`),
    section('OTHER FLAGS', rows(Object.entries(OTHER_FLAGS))),
    section('ENVIRONMENT', rows([
      ...settings.map(({ flag, env }): Row => [env, flag === null ? 'see SETTINGS' : `as ${flag}`]),
      ['https_proxy, http_proxy, all_proxy, no_proxy', 'the egress proxy through which MAAS is reached, and what is exempt from it'],
      ['CREDENTIALS_DIRECTORY', 'set by systemd: the API key is taken from the file maas-api-key in it, if it is not named otherwise']
    ])),
    section('FILES', rows([['.env', 'further variables'], ['~/.maascli.db', 'the profiles of the maas CLI']])),
    section('SIGNALS', rows([
      ['SIGTERM, SIGINT', 'ends serve in good order, a second one at once; run passes all signals on to its command'],
      ['SIGHUP', 'serve reads the API keys again']
    ])),
    section('EXIT STATUS', rows(EXIT_STATUS)),
    section('ERRORS', `${escape('Answers of the proxy itself have the header MAAS-Proxy-Error with one of these codes.')}\n${rows(Object.entries(ERRORS).map(([code, { status, message, remedy }]): Row => [`${code} (${status})`, `${message}: ${remedy}`]))}`)
  ].join('\n') + '\n'
}

function section (title: string, body: string): string {
  return `.SH ${title}\n${body}`
}

function rows (list: readonly Row[]): string {
  return list.map(([term, text]) => `.TP\n.B ${escape(term)}\n${escape(text)}`).join('\n')
}

/** A text that roff prints as it stands: no line of it is a request, hyphens and quotes stay what they are when they are copied. */
function escape (text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll("'", '\\(aq').replaceAll('"', '\\(dq').replace(/^\./, '\\&.')
}
