import { LIVE_PATH, METRICS_PATH, READY_PATH } from '../../respond/status-pages.ts'
import { packageFile, readPackageFile } from '../../package.ts'
import { CATALOGUED } from '../../policy/catalogue.ts'
import type { Example } from '../command.ts'
import type { Row } from './text.ts'

/** A part of the help that the manual page has too. */
export interface Section {
  paragraphs: readonly string[]
  rows: readonly Row[]
  /** lines to be shown as they are; empty if there are none */
  sample: string
}

/** The examples of --help. */
export const EXAMPLES: readonly Example[] = [
  ['demo', 'try it: a stand-in MAAS, no key'],
  ['--maas-url URL --api-key-file FILE', 'serve on http://localhost:5241'],
  ['check --profile NAME', 'test a login of the maas CLI'],
  ["--allow 'GET machines/**' --deny 'GET files/**'", 'give less than the whole key'],
  ['run --read-only -- ./report.sh', 'a script that never has the key']
]

/** How rules are written, and how they decide. */
export const RULES: Section = {
  paragraphs: [
    'A rule is METHOD[,METHOD] PATH[?op=NAME]. Quote it, because a shell would split it and expand its stars.',
    'The first of these that applies decides: the credential guard, --read-only, deny rules, allow rules. One allow ' +
    'rule refuses everything that no allow rule means. With several listeners, each has its own rules. A client may ' +
    'have rules of its own, which narrow those of its listener: in its line of the file of tokens, or in clients of ' +
    'the configuration file.',
    `A rule that means no operation of MAAS ${CATALOGUED.oldest} to ${CATALOGUED.newest} is an error. ` +
    "maas-auth-proxy policy list shows what is allowed, and maas-auth-proxy policy test 'METHOD PATH' answers for " +
    'one operation.',
    '--learn FILE records which operations are asked for, and maas-auth-proxy policy learn FILE prints the rules ' +
    'that they need.'
  ],
  rows: [
    ['METHOD', 'GET (HEAD too), POST, PUT, DELETE, several with commas between them, or * for any'],
    ['PATH', 'relative to /MAAS/api/2.0/, without a slash at its start: machines/abc'],
    ['*', 'one segment of the path: machines/*'],
    ['**', 'at the end, any number of further segments: machines/**'],
    ['?op=NAME', 'this operation only; ?op= means the plain method only; without it, all operations of the path'],
    ["'GET machines/**'", 'read everything about machines'],
    ["'POST machines/*?op=power_on'", 'turn on any machine'],
    ["'GET,PUT tags/blue'", 'read and change one tag'],
    ["'DELETE **'", 'as a deny rule: delete nothing']
  ],
  sample: ''
}

/** The configuration file, with the shipped example. */
export function configurationFile (): Section {
  return {
    paragraphs: [
      '--config FILE describes several listeners in YAML or JSON, in place of all other settings; only --env-file, ' +
      '--log-level, --log-format and --learn may stand beside it. Its keys are the flags without their dashes, and ' +
      'api-key.',
      'A setting of a listener that stands outside the list holds for all listeners that do not have it themselves. ' +
      "A rule that starts with a star stands in quotes: '* machines/**'.",
      'clients is a list of clients, of a listener or for all: name, token-file or token-sha256, and perhaps ' +
      'expires, read-only, allow and deny. A client of the file of tokens needs no token here.',
      'maas-auth-proxy config print makes such a file of flags and variables; maas-auth-proxy config schema prints ' +
      'its JSON Schema.'
    ],
    rows: [],
    sample: readPackageFile(packageFile('config/example.yaml')).replaceAll(/^#.*\n+/gm, '').trimEnd()
  }
}

/** The paths that the proxy serves. */
export const ENDPOINTS: Section = {
  paragraphs: [],
  rows: [
    ['/MAAS/api/2.0/...', 'the API of MAAS; /MAAS/api/version/ too'],
    ['/', 'what this is, with lines to copy'],
    [LIVE_PATH, '200 while the process serves'],
    [READY_PATH, '200 if MAAS answers and accepts the key, else 503, with the reason in JSON'],
    [METRICS_PATH, 'metrics for Prometheus; the three pages are on --admin-listen too, without client tokens']
  ],
  sample: ''
}

/** The signals of a process that serves. */
export const SIGNALS: Section = {
  paragraphs: [],
  rows: [
    [
      'SIGTERM, SIGINT',
      'serve ends its requests and stops, a second signal stops it at once; run passes all signals on to its command'
    ],
    ['SIGHUP', 'serve reads rules, clients, limits, API keys and certificates again'],
    ['SIGUSR2', 'serve logs at the level debug for ten minutes; a second one ends that']
  ],
  sample: ''
}

/** The files that are read without a setting that names them. */
export const FILES: Section = {
  paragraphs: [],
  rows: [
    ['.env', 'further variables, in the working directory; --env-file names another'],
    ['~/.maascli.db', 'the profiles of the maas CLI'],
    ['~/snap/maas/current/.maascli.db', 'the profiles of its snap'],
    ['$CREDENTIALS_DIRECTORY/maas-api-key', "the API key as systemd's LoadCredential= passes it"]
  ],
  sample: ''
}
