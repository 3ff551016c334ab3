import t from 'tap'
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { COMMANDS } from '../../src/cli/cli.ts'
import { manPage } from '../../src/cli/commands/man-page.ts'

t.test('the manual page is clean to those who print it', async t => {
  const path = resolve(t.testdir({ 'page.1': manPage(COMMANDS, '1.2.3') }), 'page.1')
  const readers: Array<[command: string, args: string[]]> = [
    ['man', ['--warnings', '--local-file', '--encoding=UTF-8', path]],
    ['groff', ['-ww', '-man', '-Tutf8', path]],
    ['mandoc', ['-T', 'lint', '-W', 'warning', path]]
  ]
  for (const [command, args] of readers) {
    const { error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
    if (error !== undefined) t.pass(command, { skip: `there is no ${command} here` })
    // A date would make every build another page.
    else t.equal(command === 'mandoc' ? stdout.replace(/^.*WARNING: missing date.*\n/, '') : stderr, '', command)
  }
})
