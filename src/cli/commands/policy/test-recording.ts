import type { RecordedOperation, Recording } from '../../../observe/recording/recording.ts'
import type { KnownOperation } from '../../../policy/catalogue.ts'
import type { PolicyVerdict } from '../../../policy/policy.ts'
import type { ListenerPolicy } from '../../../settings/load.ts'
import { countOf } from '../../../text/count.ts'
import { stripControls } from '../../../text/strip-controls.ts'
import type { Paint } from '../../../text/terminal.ts'
import { EXIT } from '../../command.ts'
import { policiesFor } from './client-policies.ts'
import { knownOf, leftOut, verdictsOn } from './learned-rules.ts'

/** The answer about the operations of a recording. */
export interface RecordingAnswer {
  text: string
  /** 1 if one of them is refused */
  code: number
}

/**
 * Says for every recorded operation that was not refused whether today's rules allow it. Rules that only warn count
 * like the others.
 * @param listeners today's, with their policies
 */
export function testRecording (
  recording: Recording, listeners: readonly ListenerPolicy[], paint: Paint
): RecordingAnswer {
  const rows = recording.operations
    .filter(row => knownOf(row) !== undefined && row.refused === null)
    .sort((one, other) => one.route.localeCompare(other.route))
  const answers = rows.map(row => answerFor(row, listeners, paint))
  const allowed = answers.filter(({ code }) => code === EXIT.ok).length
  const summary = `${allowed} of ${countOf(rows.length, 'operation')} that were asked for are allowed`
  const skipped = [...leftOut(recording, ({ refused }) => refused !== null)].map(([reason, count]) => (
    `  left out: ${countOf(count, 'request')}; ${stripControls(reason)}\n`
  ))
  const text = `${answers.map(({ text }) => text).join('')}${paint('bold', summary)}\n${skipped.join('')}`
  return { text, code: allowed === rows.length ? EXIT.ok : EXIT.failure }
}

/**
 * Decides on the operation of a client by the rules of the listener at which it was recorded. If no listener has that
 * address, it is allowed if any listener allows it.
 */
function answerFor (row: RecordedOperation, listeners: readonly ListenerPolicy[], paint: Paint): RecordingAnswer {
  const known = knownOf(row) as KnownOperation
  const own = listeners.filter(({ addresses }) => addresses.includes(String(row.listener)))
  const verdicts = (own.length > 0 ? own : listeners)
    .map(listener => verdictsOn(known, row.names, policiesFor(listener, row.client)))
  // The first verdict of a policy is the one on names that no rule has.
  const [best = []] = [...verdicts].sort(([one], [other]) => Number(other?.allowed) - Number(one?.allowed))
  const [verdict, ...named] = best as [PolicyVerdict, ...PolicyVerdict[]]
  const others = named.some(({ allowed }) => allowed !== verdict.allowed)
  const word = verdict.allowed ? paint('green', 'allowed') : paint('red', 'refused')
  const remedy = verdict.allowed ? undefined : verdict.remedy
  const lines = [
    `by ${verdict.by}`,
    ...remedy === undefined ? [] : [remedy],
    ...others ? ['but for names that rules mention; the recording does not keep each name'] : []
  ]
  const { method, route, op, count, client } = row
  const subject = `${method} ${route}${op === null ? '' : `?op=${op}`}`
  const by = client === null ? '' : ` by ${stripControls(client)}`
  const text = `${word}: ${subject} (${countOf(count, 'request')}${by})\n${lines.map(line => `  ${line}\n`).join('')}`
  return { text, code: verdict.allowed ? EXIT.ok : EXIT.failure }
}
