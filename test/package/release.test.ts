import t from 'tap'
import { commitsOf, releaseNotes } from '../../config/release/notes.ts'
import { unreachable } from '../../config/release/refusal.ts'
import { lastTag, whyNotNew } from '../../config/release/version.ts'

t.test('a version can be released if it is higher than that of every tag', async t => {
  const rows: ReadonlyArray<[version: string, tags: string[], wanted: RegExp | null, reason: string]> = [
    ['0.1.0', [], null, 'the first release'],
    ['0.2.0', ['v0.1.0'], null, 'a higher one'],
    ['0.10.0', ['v0.9.0', 'v0.2.0'], null, 'numbers are compared, not texts'],
    ['1.0.0', ['v0.9.9', 'nightly', 'v2', '9.0.0', 'v1.0.0-rc.1'], null, 'tags of another form are none of releases'],
    ['0.1.0', ['v0.1.0'], /^the version 0\.1\.0 in package\.json has a tag already, v0\.1\.0: raise it with npm version/, 'the tag exists'],
    ['0.1.1', ['v0.1.1', 'v0.2.0'], /has a tag already, v0\.1\.1/, 'the tag exists, and a higher one'],
    ['0.9.0', ['v0.10.0'], /^the version 0\.9\.0 in package\.json is not higher than that of the last tag, v0\.10\.0: raise it/, 'a lower one'],
    ['1.0', [], /^the version "1\.0" in package\.json is no release: write three numbers, such as 1\.2\.3$/, 'two numbers'],
    ['1.0.0-rc.1', [], /is no release/, 'a version before a release'],
    ['01.0.0', [], /is no release/, 'a leading zero']
  ]
  for (const [version, tags, wanted, reason] of rows) {
    if (wanted === null) t.equal(whyNotNew(version, tags), null, reason)
    else t.match(whyNotNew(version, tags), wanted, reason)
  }
})

t.test('the last tag is that of the highest version', async t => {
  const rows: ReadonlyArray<[tags: string[], last: string | null]> = [
    [[], null], [['', 'nightly'], null], [['v0.2.0', 'v0.10.0', 'v0.9.0'], 'v0.10.0'],
    [['v1.0.0', 'v0.10.0'], 'v1.0.0'], [['v1.0.9', 'v1.0.10'], 'v1.0.10']
  ]
  for (const [tags, last] of rows) t.equal(lastTag(tags), last, tags.join(' '))
})

t.test('notes are written from conventional commits', async t => {
  const log = [
    ['a'.repeat(40), 'feat(forward)!: a header goes', 'Why it goes.\n\nBREAKING CHANGE: clients that sent it\nget a 400.\n\nSigned-off-by: A'],
    ['b'.repeat(40), 'fix: a crash', ''],
    ['c'.repeat(40), 'feat!: another default', ''],
    ['d'.repeat(40), 'docs: a word', ''],
    ['e'.repeat(40), 'no conventional commit', ''],
    ['f'.repeat(40), 'perf(serve): less memory', 'A body.']
  ].map(fields => `${fields.join('\0')}\x1e`).join('\n')
  t.equal(releaseNotes('1.2.3', commitsOf(log)), `# maas-auth-proxy 1.2.3

## Changes that break

- forward: clients that sent it get a 400. (aaaaaaa)
- another default (ccccccc)

## Added

- forward: a header goes (aaaaaaa)
- another default (ccccccc)

## Fixed

- a crash (bbbbbbb)

## Faster

- serve: less memory (fffffff)

Commits to documentation, tests and build: 2.
`)
  t.equal(releaseNotes('1.2.3', commitsOf('')), '# maas-auth-proxy 1.2.3\n', 'nothing has changed')
})

t.test('that npm reaches no registry is told from other failures', async t => {
  t.equal(unreachable('npm error code ENOTFOUND\nnpm error network'), 'ENOTFOUND')
  t.equal(unreachable('npm error code ERESOLVE'), null)
})
