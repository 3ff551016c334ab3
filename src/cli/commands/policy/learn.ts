import type { ListenerPolicy } from '../../../settings/load.ts'
import { SettingsError } from '../../../settings/settings-error.ts'
import type { CommandLine } from '../../flags.ts'
import { describeRules } from './learned-text.ts'
import { readRecordings } from './read-recordings.ts'

/**
 * Makes the rules that recorded requests need.
 * @param listeners today's, with their policies
 * @throws SettingsError if a file cannot be read, or nothing is recorded
 */
export async function learn (
  { words: [, , ...files], exact, byClient, asFlags }: CommandLine, listeners: readonly ListenerPolicy[]
): Promise<string> {
  if (asFlags !== null && listeners.length > 1) {
    throw new SettingsError(['--flags: several listeners need a configuration file; leave it out'])
  }
  const recording = await readRecordings(files, 'policy learn')
  if (recording.isEmpty) throw new SettingsError(['policy learn: nothing is recorded yet'])
  const form = { isExact: exact !== null, isByClient: byClient !== null, isFlags: asFlags !== null }
  return describeRules(recording, listeners, form)
}
