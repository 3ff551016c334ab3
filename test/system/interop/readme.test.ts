import t from 'tap'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startStandIn, type StandInRecord } from '../../../src/demo/stand-in/index.ts'
import { startTestProxy, testConfig } from '../../helper/proxy.ts'
import { makeHome, PYTHON, run, without, withoutGo } from './child.ts'

/** A code block below one of the headings of README's section, as it stands there. */
interface Block { tool: string, language: string, code: string }

/** How a block is run, by its language. */
const RUN: Record<string, { file: string, command: string, args: string[] }> = {
  sh: { file: 'block.sh', command: 'bash', args: ['-eu'] },
  python: { file: 'block.py', command: PYTHON, args: [] },
  ruby: { file: 'block.rb', command: 'ruby', args: [] },
  go: { file: 'block.go', command: 'go', args: ['run'] },
  yaml: { file: 'block.yml', command: 'ansible-playbook', args: ['-c', 'local'] }
}

/**
 * The blocks in their order: why one cannot be run here, or false, and what it then prints; or, where the tool is not
 * to be had, what is in it.
 */
const BLOCKS: ReadonlyArray<
  { tool: string, missing: string | false, prints: RegExp } | { tool: string, unpackaged: true, says: RegExp }
> = [
  { tool: 'curl', missing: without('curl', ['curl', '--version']), prints: /"name": "blue"[^]*"swift-otter"/ },
  { tool: 'wget', missing: without('wget', ['wget', '--version']), prints: /"name": "blue"[^]*"username": "admin"/ },
  { tool: 'HTTPie', missing: without('httpie', ['http', '--version']), prints: /"name": "blue"[^]*"username": "admin"/ },
  { tool: 'The maas CLI', missing: without('the maas CLI', ['maas', '--help']), prints: /"username": "admin"/ },
  { tool: 'python-libmaas', missing: without('python-libmaas', [PYTHON, '-c', 'import maas.client']), prints: /swift-otter/ },
  { tool: 'Python', missing: without('python3-requests', [PYTHON, '-c', 'import requests']), prints: /^admin$/m },
  { tool: 'Python', missing: without('python3-requests-oauthlib', [PYTHON, '-c', 'import requests_oauthlib']), prints: /^admin$/m },
  { tool: 'Ruby', missing: without('ruby-oauth', ['ruby', '-e', "require 'oauth'"]), prints: /"username": "admin"/ },
  { tool: 'Go', missing: withoutGo('golang-github-juju-gomaasapi-dev', 'github.com/juju/gomaasapi'), prints: /^true$/m },
  { tool: 'Terraform', unpackaged: true, says: /api_url = "http:\/\/localhost:5241\/MAAS"\n.*api_key = "proxysigns:proxysigns:proxysigns"/ },
  { tool: 'Ansible', unpackaged: true, says: /host: "http:\/\/localhost:5241\/MAAS"\n +customer_key: proxysigns\n +token_key: proxysigns\n +token_secret: proxysigns/ },
  { tool: 'Ansible', missing: without('ansible-core', ['ansible-playbook', '--version']), prints: /"msg": "admin"/ },
  { tool: 'Juju', unpackaged: true, says: /endpoint: http:\/\/proxy\.example:5241\/MAAS/ },
  { tool: 'Juju', unpackaged: true, says: /maas-oauth: "any:any:TOKEN"/ },
  { tool: 'n8n', unpackaged: true, says: /"url": "http:\/\/localhost:5241\/MAAS\/api\/2\.0\/machines\/"/ }
]

const blocks = readBlocks(readFileSync(new URL('../../../README.md', import.meta.url), 'utf8'))

t.strictSame(blocks.map(({ tool }) => tool), BLOCKS.map(({ tool }) => tool), 'every block of "Use it with" is known here')

for (const [index, { tool, language, code }] of blocks.entries()) {
  const expected = BLOCKS[index] as typeof BLOCKS[number]
  if ('unpackaged' in expected) {
    t.match(code, expected.says, `${tool}: not packaged by Debian, so no more than read`)
    continue
  }
  t.test(`README: ${tool}, ${language}`, { skip: expected.missing }, async t => {
    const records: StandInRecord[] = []
    const maas = await startStandIn({ onRequest: record => { records.push(record) } })
    t.after(() => maas.close())
    const { consumer, token, secret } = maas.admin
    const proxy = await startTestProxy(t, testConfig(maas.url, {}, `${consumer}:${token}:${secret}`))
    const home = makeHome(t)
    const { file, command, args } = RUN[language] as typeof RUN[string]
    writeFileSync(join(home, file), code.replaceAll('localhost:5241', `localhost:${proxy.port}`))
    const { stdout, stderr } = await run(t, home, command, [...args, file])
    t.match(stdout + stderr, expected.prints)
    t.ok(records.some(({ user }) => user === 'admin'), 'signed by the proxy')
    t.strictSame(records.filter(({ status }) => status >= 400), [], 'and nothing is refused')
  })
}

function readBlocks (readme: string): Block[] {
  const section = readme.split('\n## Use it with\n')[1]?.split('\n## ')[0] ?? ''
  return section.split('\n### ').slice(1).flatMap(text => {
    const tool = text.split('\n')[0] as string
    return [...text.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(([, language, code]): Block => ({ tool, language: language as string, code: code as string }))
  })
}
