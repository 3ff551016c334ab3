const KEY_IS_NO_FLAG = 'set MAAS_API_KEY, or write --api-key-file FILE, because ps shows flags'
const INSECURE = '--ca-file FILE, or --insecure-skip-tls-verify, which gives the key to whoever answers'

/**
 * What other programs call a setting or a command of ours, and what to type here. A message may repeat these words,
 * because none of them is a secret.
 */
const PEER_FLAGS: Readonly<Record<string, string>> = {
  '--address': '--listen HOST:PORT',
  '--api-key': KEY_IS_NO_FLAG,
  '--apikey': KEY_IS_NO_FLAG,
  '--bind': '--listen HOST:PORT',
  '--ca': '--ca-file FILE',
  '--cacert': '--ca-file FILE',
  '--cacerts': '--ca-file FILE',
  '--cert': '--client-cert-file FILE',
  '--config-file': '--config FILE',
  '--debug': '--log-level debug',
  '--endpoint': '--maas-url URL',
  '--host': '--listen HOST:PORT',
  '--hostname': '--listen HOST:PORT',
  '--insecure': INSECURE,
  '--ip': '--listen HOST:PORT',
  '--key': KEY_IS_NO_FLAG,
  '--key-file': '--api-key-file FILE',
  '--log-file': 'redirect the output: > FILE',
  '--maas': '--maas-url URL',
  '--metrics': '--admin-listen HOST:PORT, which serves /-/metrics',
  '--no-verify': INSECURE,
  '--password': '--api-key-file FILE: MAAS has keys, no passwords, for its API',
  '--port': '--listen PORT',
  '--quiet': '--log-level warn',
  '--readonly': '--read-only',
  '--server': '--maas-url URL',
  '--silent': '--log-level silent',
  '--socket': '--listen unix:PATH',
  '--target': '--maas-url URL',
  '--timeout': '--response-timeout TIME',
  '--token': KEY_IS_NO_FLAG,
  '--trace': '--log-level trace',
  '--unix-socket': '--listen unix:PATH',
  '--upstream': '--maas-url URL',
  '--url': '--maas-url URL',
  '--user': '--api-key-file FILE: the key says who the user is',
  '--username': '--api-key-file FILE: the key says who the user is',
  '-?': '--help',
  '-H': '--listen HOST:PORT',
  '-V': '--version',
  '-b': '--listen HOST:PORT',
  '-c': '--config FILE',
  '-d': '--log-level debug',
  '-f': '--config FILE',
  '-k': INSECURE,
  '-l': '--listen HOST:PORT',
  '-p': '--listen PORT',
  '-q': '--log-level warn',
  '-u': '--maas-url URL',
  '-v': '--log-level debug, --verbose for check, or --version'
}

/** What other programs call a command of ours, and what to type here behind the name of the program. */
const PEER_COMMANDS: Readonly<Record<string, string>> = {
  daemon: 'serve',
  doctor: 'check',
  env: 'config print',
  errors: 'help errors',
  exec: 'run -- COMMAND',
  health: 'ready',
  listen: 'serve',
  metrics: 'help metrics',
  operations: 'policy list',
  ping: 'ready',
  proxy: 'serve',
  restart: 'SIGTERM or Control-C ends the proxy that runs, and maas-auth-proxy serve starts one',
  rules: 'policy list, or help rules',
  schema: 'config schema',
  server: 'serve',
  settings: 'config print, or help settings',
  show: 'config print',
  start: 'serve',
  status: 'ready',
  stop: 'SIGTERM or Control-C ends the proxy that runs',
  test: 'check, or policy test',
  up: 'serve',
  validate: 'check',
  verify: 'check',
  version: '--version'
}

/** What to do in place of a flag of another program; undefined for a word that means nothing. */
export function meantByFlag (flag: string): string | undefined {
  const meant = Object.hasOwn(PEER_FLAGS, flag) ? PEER_FLAGS[flag] : undefined
  return meant?.startsWith('-') === true ? `write ${meant}` : meant
}

/** What to do in place of a command of another program; undefined for a word that means nothing. */
export function meantByCommand (word: string): string | undefined {
  const meant = Object.hasOwn(PEER_COMMANDS, word) ? PEER_COMMANDS[word] : undefined
  return meant === undefined || meant.startsWith('SIGTERM') ? meant : `write maas-auth-proxy ${meant}`
}
