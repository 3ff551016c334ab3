/** A commit, as `git log` tells it. */
export interface Commit {
  hash: string
  subject: string
  body: string
}

/** What `git log --format=` is to print for `commitsOf`. */
export const LOG_FORMAT = '%H%x00%s%x00%b%x1e'

/** Reads what `git log` prints in `LOG_FORMAT`. */
export function commitsOf (log: string): Commit[] {
  return log.split('\x1e').map(entry => entry.trim()).filter(entry => entry !== '').map(entry => {
    const [hash = '', subject = '', body = ''] = entry.split('\0')
    return { hash, subject, body }
  })
}

/** The sections of the notes, and the types of conventional commits in them. */
const SECTIONS: ReadonlyArray<readonly [heading: string, type: string]> = [
  ['Added', 'feat'],
  ['Fixed', 'fix'],
  ['Faster', 'perf'],
  ['Taken back', 'revert']
]

const HASH_DIGITS = 7

/**
 * Writes the notes of a release in Markdown.
 * @param version such as `1.2.3`
 * @param commits those since the last release, as conventional commits (conventionalcommits.org, 1.0.0), newest first
 */
export function releaseNotes (version: string, commits: readonly Commit[]): string {
  const entries = commits.map(({ hash, subject, body }) => {
    const [, type = '', scope, mark, text = subject] = /^(\w+)(?:\(([^)]+)\))?(!)?: (.+)$/.exec(subject) ?? []
    const [, footer] = /(?:^|\n)BREAKING[ -]CHANGE: ([^]+?)(?:\n\n|$)/.exec(body) ?? []
    const breaking = footer ?? (mark === undefined ? null : text)
    const room = scope === undefined ? '' : `${scope}: `
    const line = (text: string): string => `- ${room}${text.replaceAll('\n', ' ')} (${hash.slice(0, HASH_DIGITS)})`
    return { type, line: line(text), breaking: breaking === null ? null : line(breaking) }
  })
  const sections = [
    ['Changes that break', entries.flatMap(({ breaking }) => breaking ?? [])] as const,
    ...SECTIONS.map(([heading, wanted]) => (
      [heading, entries.filter(({ type }) => type === wanted).map(({ line }) => line)] as const
    ))
  ]
  const parts = sections.filter(([, lines]) => lines.length > 0)
    .map(([heading, lines]) => `## ${heading}\n\n${lines.join('\n')}\n`)
  const others = entries.filter(({ type }) => SECTIONS.every(([, known]) => known !== type)).length
  const more = others === 0 ? [] : [`Commits to documentation, tests and build: ${others}.\n`]
  return [`# maas-auth-proxy ${version}\n`, ...parts, ...more].join('\n')
}
