import { type ErrorCode, ERRORS } from '../../errors.ts'
import { SettingsError } from '../../settings/settings-error.ts'
import { nearest } from '../../text/suggestion.ts'
import { type Command, EXIT } from '../command.ts'
import { ERROR_EXAMPLES } from '../help/error-examples.ts'
import { wrap } from '../help/text.ts'

const PREFIX = 'MAAS_PROXY_'

/** Explains one of the proxy's own errors. */
export const explain: Command = {
  summary: 'explain an error of the proxy by its code',
  help: 'print what an error means, what to do about it, and an example; the code may stand without MAAS_PROXY_',
  examples: [
    ['explain MAAS_PROXY_HOST_REFUSED', 'the code is in the header MAAS-Proxy-Error and in the body'],
    ['explain host_refused', 'the same']
  ],
  forms: [['CODE']],
  async run ({ words: [, word = ''] }, { stdout }) {
    const code = readCode(word)
    const { status, message, remedy } = ERRORS[code]
    stdout.write(`${code} (status ${status})

what happened:
${wrap(message, '  ')}
what to do:
${wrap(remedy, '  ')}
for example:
${ERROR_EXAMPLES[code].split('\n').map(line => wrap(line, '  ')).join('\n')}
`)
    return EXIT.ok
  }
}

/** @throws SettingsError with the nearest code */
function readCode (word: string): ErrorCode {
  const name = word.toUpperCase().replaceAll('-', '_')
  const code = name.startsWith(PREFIX) ? name : PREFIX + name
  if (Object.hasOwn(ERRORS, code)) return code as ErrorCode
  const ofStatus = Object.entries(ERRORS).filter(([, { status }]) => String(status) === word).map(([code]) => code)
  if (ofStatus.length > 0) {
    throw new SettingsError([`explain: the status ${word} is that of ${ofStatus.join(', ')}; explain one of them`])
  }
  const meant = nearest(code, Object.keys(ERRORS))
  throw new SettingsError([`explain: no such code; did you mean ${meant}? help errors lists all`])
}
