import { SettingsError } from '../../../settings/settings-error.ts'
import type { CommandLine } from '../../flags.ts'

/** Checks that the flags of the command are those of the task. @throws SettingsError */
export function checkTask (line: CommandLine): void {
  const { words: [, task, subject], recording, exact, byClient, asFlags, client, flags } = line
  const takesRecording = task === 'unused' || (task === 'test' && subject === undefined)
  if (takesRecording && recording === null) {
    const other = task === 'test' ? 'policy test "METHOD PATH[?op=NAME]", or ' : ''
    throw new SettingsError([`policy: write ${other}policy ${task} --recording FILE`])
  }
  if (!takesRecording && recording !== null) {
    throw new SettingsError(['--recording: is for policy test and policy unused; leave it out'])
  }
  if (client !== null && (takesRecording || (task !== 'list' && task !== 'test'))) {
    throw new SettingsError(['--client: is for policy list, and for policy test of one operation; leave it out'])
  }
  if (task !== 'learn' && (exact ?? byClient ?? asFlags) !== null) {
    throw new SettingsError(['--exact, --by-client, --flags: are for policy learn; leave them out'])
  }
  if (byClient !== null && asFlags !== null) {
    throw new SettingsError(['--by-client and --flags: flags hold for all clients; leave one out'])
  }
  if (task === 'diff' && Object.keys(flags).length > 0) {
    throw new SettingsError(['policy diff: takes two configuration files and no settings; leave the settings out'])
  }
}
