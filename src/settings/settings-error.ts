/** Every problem of the settings, a line each. The messages repeat no secret. */
export class SettingsError extends Error {
  readonly problems: readonly string[]

  constructor (problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'SettingsError'
    this.problems = problems
  }
}
