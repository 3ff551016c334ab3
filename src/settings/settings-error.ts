/** All that is wrong with the settings, a line each; nothing in it repeats a secret. */
export class SettingsError extends Error {
  readonly problems: readonly string[]

  constructor (problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'SettingsError'
    this.problems = problems
  }
}
