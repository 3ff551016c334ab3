import { SettingsError } from './settings-error.ts'
import type { SettingName } from './table.ts'

/** Messages in the order they came, each once. */
interface Messages {
  problems: Set<string>
  warnings: Set<string>
  notices: Set<string>
  /** the names of settings whose absence a problem explains */
  excused: Set<SettingName>
}

const noMessages = (): Messages => ({
  problems: new Set(), warnings: new Set(), notices: new Set(), excused: new Set()
})

/** Collects the messages about settings while they are read. A message that comes again is dropped. */
export class SettingsReport {
  readonly #messages: Messages
  readonly #where: string

  constructor (messages: Messages = noMessages(), where = '') {
    this.#messages = messages
    this.#where = where
  }

  /** Adds an error that keeps the program from starting. @param text names the setting and never repeats a secret */
  problem (text: string): void {
    this.#messages.problems.add(this.#where + text)
  }

  /** Adds a message about something that works but is a risk. */
  warn (text: string): void {
    this.#messages.warnings.add(this.#where + text)
  }

  /** Adds a message about a choice that the program made for the user. */
  notice (text: string): void {
    this.#messages.notices.add(this.#where + text)
  }

  /**
   * Marks a setting as missing for a reason that a problem names, so that its absence is no further problem: one cause
   * gives one message.
   */
  excuse (name: SettingName): void {
    this.#messages.excused.add(name)
  }

  /** Whether a problem explains why a setting is missing. */
  isExcused (name: SettingName): boolean {
    return this.#messages.excused.has(name)
  }

  /**
   * A view of this report, for a part of the settings.
   * @param where the beginning of each message that the view adds, as `listeners[1]: `
   */
  within (where: string): SettingsReport {
    return new SettingsReport(this.#messages, this.#where + where)
  }

  get hasProblems (): boolean {
    return this.#messages.problems.size > 0
  }

  /** The problems so far as an error to throw. */
  toError (): SettingsError {
    return new SettingsError(this.problems)
  }

  get problems (): readonly string[] {
    return [...this.#messages.problems]
  }

  get warnings (): readonly string[] {
    return [...this.#messages.warnings]
  }

  get notices (): readonly string[] {
    return [...this.#messages.notices]
  }
}
