import type { SettingsReport } from './report.ts'
import { messageAbout, type SettingInput } from './setting-input.ts'

/** The reports about a listener. */
export interface ListenerReports {
  /** of all settings */
  report: SettingsReport
  /** the same, with the listener before each message; a message with a file position needs no such prefix */
  own: SettingsReport
}

/** Reports a problem with an input of a listener. */
export function problemAbout (input: SettingInput, problem: string, reports: ListenerReports): void {
  reportOf(input, reports).problem(messageAbout(input, problem))
}

/** Reports a warning about an input of a listener. */
export function warnAbout (input: SettingInput, warning: string, reports: ListenerReports): void {
  reportOf(input, reports).warn(messageAbout(input, warning))
}

function reportOf ({ places }: SettingInput, { report, own }: ListenerReports): SettingsReport {
  return places === undefined ? own : report
}
