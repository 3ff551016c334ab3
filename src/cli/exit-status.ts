import { EXIT_CODES } from './commands/check/step.ts'
import { EXIT, EXIT_BY_SIGNAL } from './command.ts'
import { CANNOT_START } from './commands/run/child.ts'

/** Every exit code and its meaning. README, help and the manual page print this table. */
export const EXIT_STATUS: ReadonlyArray<readonly [code: string, meaning: string]> = [
  [String(EXIT.ok), 'done, asked to stop, or the answer is yes'],
  [String(EXIT.failure), 'failure, or the answer is no'],
  [String(EXIT.usage), 'usage, settings, or a Node that is too old'],
  [Object.values(EXIT_CODES).join(', '), `check: what is wrong: ${Object.keys(EXIT_CODES).join(', ')}`],
  [
    String(CANNOT_START.notExecutable),
    'run: the command cannot be executed; otherwise run has the exit code of the command'
  ],
  [String(CANNOT_START.notFound), 'run: there is no such command'],
  [`${CANNOT_START.bySignal}+N`, 'run: signal N ended the command'],
  [
    Object.values(EXIT_BY_SIGNAL).join(', '),
    `a second ${Object.keys(EXIT_BY_SIGNAL).join(', ')} ended the program at once`
  ]
]
