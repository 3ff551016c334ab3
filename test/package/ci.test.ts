import t from 'tap'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const SCRIPT = readFileSync(new URL('../../.ci/run', import.meta.url), 'utf8')

/** The function that runs the suite on another Node, and what the script ends with. */
const [, RUN_ON = ''] = /\n(run_on \(\) \{\n[^]*?\n\}\n)/.exec(SCRIPT) ?? []
const [END = ''] = /^awk [^]*/m.exec(SCRIPT) ?? []

const noBash = spawnSync('bash', ['--version']).status !== 0 && 'there is no bash'

t.test('a suite that fails on another Node fails CI, and its totals are in the last line', { skip: noBash }, async t => {
  const PASSES = '# { total: 5, pass: 5 }'
  interface Stubs { npm?: string, node?: string, timeout?: string }
  const rows: Array<[stubs: Stubs, status: number, said: RegExp, reason: string]> = [
    [{ node: `echo '${PASSES}'` }, 0, /\nNode 26: \{ total: 5, pass: 5 \}\n12 passed, 0 failed\n$/, 'its tests pass'],
    [{ node: "echo '    not ok 3 - a'; echo '# { total: 5, pass: 3, fail: 2 }'; exit 1" }, 1, /\n {4}not ok 3 - a\nNode 26: .*\n10 passed, 2 failed\n$/, 'two of them fail'],
    [{ node: `echo '${PASSES}'; exit 3` }, 3, /\n12 passed, 0 failed\n$/, 'tap itself fails'],
    [{ node: 'echo broken; exit 1' }, 1, /\nNode 26: no totals, exit 1\n7 passed, 1 failed\n$/, 'it ends before its totals'],
    [{ timeout: 'return 124' }, 124, /\nNode 26: the suite does not end within 400 s\nNode 26: no totals, exit 124\n7 passed, 1 failed\n$/, 'it takes too long'],
    [{ timeout: 'return 137' }, 137, /\nNode 26: the suite does not end within 400 s\n/, 'it takes too long, and does not heed SIGTERM'],
    [{ npm: 'return 1' }, 0, /\nNode 26 cannot be had: skipped\n7 passed, 0 failed\n$/, 'the registry does not have that Node'],
    [{ npm: 'true' }, 0, /\nNode 26 cannot be had: skipped\n7 passed, 0 failed\n$/, 'that Node does not start here']
  ]
  for (const [{ npm = 'install_stub', node = '', timeout = 'shift 3; "$@"' }, status, said, reason] of rows) {
    const result = spawnSync('bash', ['-c', `
set -euo pipefail
nodes=$1 log=$1/log status=0
install_stub () {
  mkdir -p "$nodes/26/node_modules/.bin"
  printf '%s\\n' '#!/bin/sh' '[ "$1" = --version ] && exit 0' "$STUB" > "$nodes/26/node_modules/.bin/node"
  chmod +x "$nodes/26/node_modules/.bin/node"
}
npm () { ${npm}; }
timeout () { ${timeout}; }
${RUN_ON}
echo '# { total: 7, pass: 7 }' > "$log"
run_on 26
${END}`, 'bash', t.testdir({})], { encoding: 'utf8', env: { ...process.env, STUB: node } })
    t.strictSame([result.status, result.stderr], [status, ''], reason)
    t.match(result.stdout, said, reason)
  }
})
