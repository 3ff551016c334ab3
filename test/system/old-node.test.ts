import t from 'tap'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PROGRAM, WITHOUT_LOADER } from '../helper/process.ts'

const [, program] = PROGRAM
const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
const skip = program.endsWith('.ts') && 'only the built program can be read by an old Node'

t.test('an old Node is told in one line which one is needed', { skip }, async t => {
  const nodes = t.testdir({})
  for (const version of ['14', '16', '18', '20']) {
    const dir = join(nodes, version)
    const name = `node-${process.platform}-${process.arch}@${version}`
    const { status } = spawnSync('npm', ['install', '--prefix', dir, '--no-save', '--silent', name], { encoding: 'utf8' })
    const node = join(dir, 'node_modules/.bin/node')
    const run = (...args: readonly string[]) => spawnSync('env', [...WITHOUT_LOADER, node, ...args], { encoding: 'utf8' })
    const [, present] = /^v(.*)\n$/.exec(run('--version').stdout) ?? []
    await t.test(`Node ${version}`, { skip: status !== 0 && `there is no ${name}` }, async t => {
      for (const args of [['--version'], ['demo'], []]) {
        const { status, stdout, stderr } = run(program, ...args)
        const line = `maas-auth-proxy: error: needs Node ${engines.node.replace('>=', '')} or newer, and this is ${present}\n`
        t.strictSame({ status, stdout, stderr }, { status: 2, stdout: '', stderr: line }, args.join(' '))
      }
    })
  }
})
