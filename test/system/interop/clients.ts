import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PYTHON, run, type Test, without, withoutGo } from './child.ts'
import { startProgram } from './programs.ts'
import type { Answer, Call } from './steps.ts'
import { curl, httpie, type Tool, useTool, wget } from './tools.ts'

/** Makes one request with a client. */
export type Send = (call: Call) => Promise<Answer>

/** A client that no one here wrote. */
export interface Client {
  name: string
  /** why it cannot be had here, or false */
  missing: string | false
  /** whether it works without a key too */
  keyless: boolean
  /** @param site the URL of MAAS, or of the proxy, with /MAAS; @param key consumer:token:secret, null for none */
  open: (t: Test, home: string, site: string, key: string | null) => Promise<Send>
}

const beside = (name: string) => fileURLToPath(new URL(name, import.meta.url))

function tool (name: string, used: Tool): Client {
  return { name, missing: without(name, [name === 'httpie' ? 'http' : name, '--version']), keyless: true, open: async (t, home, site, key) => useTool(t, home, used, site, key) }
}

function python (library: string, modules: string): Client {
  return {
    name: `Python ${library}`,
    missing: without(`python3-${library.replace('_', '-')}`, [PYTHON, '-c', `import ${modules}`]),
    keyless: false,
    open: async (t, home, site, key) => await startProgram(t, home, PYTHON, [beside('client.py'), library, site, String(key)])
  }
}

const ruby: Client = {
  name: 'Ruby oauth',
  missing: without('ruby-oauth', ['ruby', '-e', "require 'oauth'"]),
  keyless: false,
  open: async (t, home, site, key) => await startProgram(t, home, 'ruby', [beside('client.rb'), site, String(key)])
}

const gomaasapi: Client = {
  name: 'Go gomaasapi',
  missing: withoutGo('golang-github-juju-gomaasapi-dev', 'github.com/juju/gomaasapi'),
  keyless: false,
  open: async (t, home, site, key) => {
    const program = join(home, 'client')
    await run(t, home, 'go', ['build', '-o', program, beside('client.go')])
    return await startProgram(t, home, program, [site, String(key)])
  }
}

export const CLIENTS: readonly Client[] = [
  tool('curl', curl),
  tool('wget', wget),
  tool('httpie', httpie),
  python('requests_oauthlib', 'requests_oauthlib'),
  python('oauthlib', 'oauthlib, urllib3'),
  python('httplib2', 'httplib2, oauthlib, urllib3'),
  ruby,
  gomaasapi
]
