import t from 'tap'
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { OTHER_FLAGS } from '../../src/cli/flags.ts'
import type { Setting } from '../../src/settings/setting.ts'
import { SETTINGS } from '../../src/settings/table.ts'
import { runHere } from '../helper/process.ts'

const helper = (name: string) => fileURLToPath(new URL(`../helper/${name}`, import.meta.url))

/** What each shell offers for a line, once it has read the script. The line's last word is the one to be completed. */
const SHELLS: Readonly<Record<string, (script: string, line: string) => string[]>> = {
  bash (script, line) {
    const words = line.split(/ |(=)/).filter(word => word !== undefined)
    return execFileSync('bash', [helper('completion.bash'), script, ...words], { encoding: 'utf8' }).split('\n')
  },
  zsh (script, line) {
    const screen = execFileSync('zsh', ['-f', helper('completion.zsh'), script, line], { encoding: 'utf8', timeout: 60_000, env: { ...process.env, TERM: 'xterm' } })
    // From the end of the line that was typed to where the cursor goes back up to it.
    const [, list = ''] = /[^]*\x1b\[J([^]*?)\x1b\[\d*A/.exec(screen) ?? [] // eslint-disable-line no-control-regex
    return list.replaceAll('\x1b[K', '').split(/\r|\n/).flatMap(row => / -- /.test(row) ? [row.split(' ')[0] as string] : row.split(/ +/))
  },
  fish (script, line) {
    const offers = execFileSync('fish', ['--no-config', '--command', `source ${script}; complete --do-complete '${line}'`], { encoding: 'utf8' })
    return offers.split('\n').map(offer => (offer.split('\t')[0] as string).replace(/^--[a-z-]+=/, ''))
  }
}

async function printed (argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await runHere(argv)
  t.equal(code, argv.length > 1 ? 0 : 2)
  return stdout + stderr
}

for (const [shell, offersOf] of Object.entries(SHELLS)) {
  const skip = spawnSync(shell, ['--version']).error !== undefined && `there is no ${shell} here`
  t.test(`${shell} completes command lines`, { skip }, async t => {
    const dir = t.testdir({ 'key-one': '', 'key-two': '' })
    const script = join(dir, 'script')
    writeFileSync(script, await printed(['completion', shell]))
    const settings: Array<Setting<unknown>> = Object.values(SETTINGS)
    const flags = settings.flatMap(({ flag }) => flag ?? [])
    const commands = ['serve', 'run', 'demo', 'check', 'ready', 'policy', 'token', 'config', 'explain', 'help', 'completion', 'man']
    const rows: Array<[line: string, wanted: string[], reason: string]> = [
      ['', commands, 'commands'],
      ['po', ['policy'], 'one command'],
      ['--listen 0 c', ['check', 'completion', 'config'], 'a flag with its value is no command'],
      ['--listen=0 po', ['policy'], 'nor one with an equals sign'],
      ['--read-only po', ['policy'], 'and a switch takes nothing away'],
      ['policy ', ['diff', 'learn', 'list', 'test', 'unused'], 'words of a command'],
      ['completion ', ['bash', 'zsh', 'fish'], 'of this one'],
      ['help ru', ['rules', 'run'], 'topics and commands'],
      ['explain MAAS_PROXY_HOST', ['MAAS_PROXY_HOST_REFUSED'], 'codes of errors'],
      ['--', [...flags, ...Object.keys(OTHER_FLAGS)], 'flags'],
      ['serve --read', ['--read-only'], 'behind a command too'],
      ['--log-format ', ['json', 'pretty', 'auto'], 'words for a value'],
      ['demo --maas-version ', ['3.4', '3.7'], 'words for the value of a flag that is no setting'],
      ['--log-level=de', ['debug'], 'behind an equals sign'],
      ['--listen ', [], 'a value that nobody knows'],
      [`--ca-file ${dir}/key`, ['key-one', 'key-two'], 'files'],
      [`policy test --recording ${dir}/key`, ['key-one', 'key-two'], 'for a flag that is no setting too'],
      ['run ', ['--'], 'what a command is behind'],
      ['run --read-only -- maas-no-such-comm', [], 'a command that is not there'],
      [`run -- cat ${dir}/key`, ['key-one', 'key-two'], "the command's own words"]
    ]
    for (const [line, wanted, reason] of rows) {
      const offers = new Set(offersOf(script, `maas-auth-proxy ${line}`).map(offer => basename(offer)).filter(offer => offer !== ''))
      t.strictSame([...offers].sort(), [...wanted].sort(), `${reason}: ${line}`)
    }
    t.ok(offersOf(script, 'maas-auth-proxy run -- ca').includes('cat'), 'a command of the machine')
    for (const { flag, words } of settings) if (words !== undefined) t.strictSame(offersOf(script, `maas-auth-proxy ${flag} `).filter(offer => offer !== '').sort(), [...words].sort(), `${flag}`)
  })
}

t.test('a shell that is none', async t => {
  t.match(await printed(['completion']), /completion: write completion bash, or completion zsh, or completion fish/)
})
