import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PYTHON, run, type Test, without, withoutGo } from './child.ts'

/** A code block below one of the headings of README's section, as it stands there. */
export interface Block { tool: string, language: string, code: string }

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
export const EXPECTED: ReadonlyArray<
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

/** The code blocks of README's section "Use it with", in their order. */
export const BLOCKS = readBlocks(readFileSync(new URL('../../../README.md', import.meta.url), 'utf8'))

/** Runs a block against a proxy on another port. @returns what it prints; null if it fails */
export async function runBlock (
  t: Test, home: string, { language, code }: Block, port: number
): Promise<string | null> {
  const { file, command, args } = RUN[language] as typeof RUN[string]
  writeFileSync(join(home, file), code.replaceAll('localhost:5241', `localhost:${port}`))
  return await run(t, home, command, [...args, file]).then(({ stdout, stderr }) => stdout + stderr, () => null)
}

function readBlocks (readme: string): Block[] {
  const section = readme.split('\n## Use it with\n')[1]?.split('\n## ')[0] ?? ''
  return section.split('\n### ').slice(1).flatMap(text => {
    const tool = text.split('\n')[0] as string
    return [...text.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(([, language, code]): Block => ({ tool, language: language as string, code: code as string }))
  })
}
