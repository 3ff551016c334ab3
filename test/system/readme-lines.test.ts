import t from 'tap'
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { startStandIn, type StandIn } from '../../src/demo/stand-in/index.ts'
import { makeAuthority } from '../helper/certificates.ts'
import { login, makeStore, OWN } from '../helper/maascli-store.ts'
import { PROGRAM, type Program, startCommand } from '../helper/process.ts'
import { freePort, socketDir } from '../helper/sockets.ts'

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

/** The blocks of shell commands, but for those below "Use it with", which `interop/readme.test.ts` runs. */
const BLOCKS = README.replace(/\n## Use it with\n[^]*?(?=\n## )/, '').matchAll(/^ *```sh\n([^]*?)^ *```$/gm)

/** Why a block is not run here, by how it begins. */
const ELSEWHERE: ReadonlyArray<readonly [begins: string, reason: string]> = [
  ['npm ci && npm run demo', 'CI runs npm ci, and commands/cli.test.ts the demo'],
  ['npm ci && npm test', 'CI runs it'],
  ['npm run test:system', 'CI runs it'],
  ['npm install @opentelemetry', 'structure.test.ts compares it with package.json'],
  ['docker build', 'it needs a Docker engine'],
  ['sudo apt install', 'deb.test.ts, binary.test.ts, npm.test.ts and image.test.ts run these'],
  ['sudo install', 'systemd-day.test.ts runs it in a machine of its own'],
  ['kubectl create', 'it needs a cluster; deploy.test.ts renders the manifests']
]

interface Test { after: (close: () => unknown) => void }

const withoutTimes = (text: string) => text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')

const hasCurl = spawnSync('curl', ['--version']).status === 0

/** A home with the command `maas-auth-proxy` on its path, in front of a stand-in for the MAAS of README. */
class Home {
  readonly dir: string
  readonly #env: Record<string, string>
  readonly #t: Test
  readonly #maas: StandIn

  constructor (t: Test, maas: StandIn, dir: string, port: number) {
    this.#t = t
    this.#maas = maas
    this.dir = dir
    const bin = join(dir, 'bin')
    mkdirSync(bin)
    const quoted = PROGRAM.map(word => `'${word}'`).join(' ')
    writeFileSync(join(bin, 'maas-auth-proxy'), `#!/bin/sh\nexec ${quoted} "$@"\n`, { mode: 0o755 })
    this.#env = { HOME: dir, PATH: `${bin}:${process.env['PATH']}`, MAAS_PROXY_LISTEN: `127.0.0.1:${port}` }
  }

  /** Runs commands of README with a shell. @param input what the user types */
  start (commands: string, input = '', env: Record<string, string> = {}): Program {
    const script = commands.replaceAll('https://maas.example:5443/MAAS', this.#maas.url)
    const program = startCommand(this.#t, ['bash', '-euc', script], { ...this.#env, ...env }, this.dir)
    program.child.stdin.end(input)
    return program
  }
}

t.test('every line of README that can be copied does what it says', { skip: !hasCurl && 'there is no curl' }, async t => {
  const maas = await startStandIn()
  t.after(() => maas.close())
  const port = await freePort()
  const { consumer, token, secret } = maas.admin
  const key = `${consumer}:${token}:${secret}`
  const home = new Home(t, maas, t.testdir(), port)
  const sockets = socketDir(t)
  const own = { MAAS_URL: maas.url, MAAS_API_KEY: key }
  let running: Program | null = null
  const stop = async (program: Program) => {
    program.child.kill('SIGTERM')
    await program.ended
  }

  const runs: ReadonlyArray<readonly [begins: string, run: (block: string) => Promise<void>]> = [
    ['mkdir -p ~/.config', async block => {
      running = home.start(block.replace(/^maas-auth-proxy/m, 'exec maas-auth-proxy'), `${key}\n`)
      await running.printed('"msg":"listening"')
    }],
    ["curl 'http://localhost", async block => {
      writeFileSync(join(home.dir, 'local.bin'), 'content')
      const asked = home.start(block.replaceAll('curl ', 'curl -sf ').replaceAll('localhost:5241', `localhost:${port}`))
      t.equal(await asked.ended, 0, 'the first requests are answered')
      t.match(asked.stdout(), /"name": "blue"/)
      if (running !== null) await stop(running)
    }],
    ['maas-auth-proxy run --learn', async block => {
      const demo = home.start('exec maas-auth-proxy demo --log-level error', '', { MAAS_PROXY_LISTEN: '127.0.0.1:0' })
      await demo.printed('maas-auth-proxy policy learn work.json')
      await stop(demo)
      const [, lines = '', api = ''] = /work\.json and send this:\n\n((?: +curl .*'(http\S+\/api\/2\.0)\/.*\n)+)/.exec(demo.stdout()) ?? []
      const workload = lines.replaceAll(api, '$MAAS_URL/api/2.0').replaceAll("'", '"').replaceAll('curl ', 'curl -sf -o /dev/null ')
      writeFileSync(join(home.dir, 'work.sh'), `#!/bin/sh -e\n${workload}`, { mode: 0o755 })
      const fresh = await startStandIn()
      t.after(() => fresh.close())
      const credentials = [fresh.admin.consumer, fresh.admin.token, fresh.admin.secret]
      await makeStore(home.dir, OWN, { admin: login({ credentials, url: `${fresh.url}/api/2.0/` }) })
      const settings = { MAAS_PROXY_LISTEN: '' }
      const work = home.start(block, '', settings)
      t.equal(await work.ended, 0, work.stderr())
      const [, yaml = ''] = /\n```yaml\n(# The operations of [^]*?)```\n/.exec(README) ?? []
      const config = readFileSync(join(home.dir, 'proxy.yaml'), 'utf8')
      t.match(withoutTimes(config).slice(-withoutTimes(yaml).length), withoutTimes(yaml), 'the rules are those that README shows')
      const [, text = ''] = /\n```text\n(allowed: [^]*?)```\n/.exec(README) ?? []
      t.equal(work.stdout(), text, 'and so is the answer about them')
      writeFileSync(join(home.dir, 'proxy.yaml'), config.replace(':5241', ':0'))
      const enforced = home.start('maas-auth-proxy run --config proxy.yaml -- sh -c \'./work.sh && ! curl -sf -X POST "$MAAS_URL/api/2.0/zones/"\'', '', settings)
      t.equal(await enforced.ended, 0, 'the work passes under its rules, and other requests do not')
      rmSync(join(home.dir, OWN))
    }],
    ['maas-auth-proxy run', async block => {
      writeFileSync(join(home.dir, 'report.sh'), '#!/bin/sh\ncurl -sf "$MAAS_URL/api/2.0/users/?op=whoami"\n')
      chmodSync(join(home.dir, 'report.sh'), 0o755)
      const report = home.start(block, '', { ...own, MAAS_PROXY_LISTEN: '127.0.0.1:0' })
      t.equal(await report.ended, 0)
      t.match(report.stdout(), /"username": "admin"/, 'the command asks MAAS without a key')
    }],
    ['maas-auth-proxy --read-only', async block => {
      for (const line of block.trim().split('\n')) {
        const program = home.start(`exec ${line}`, '', own)
        if (!line.includes(' policy ')) {
          await program.printed('"msg":"listening"')
          await stop(program)
          t.pass(`${line}: starts`)
        } else t.equal(await program.ended, line.includes(' test ') ? 1 : 0, line)
      }
    }],
    ['(umask 077 && maas-auth-proxy token', async block => {
      const [make = '', serve = '', curl = ''] = block.split(/^(?=maas-auth-proxy|curl)/m)
      const program = home.start(`${make}exec ${serve}`, '', own)
      await program.printed('"msg":"listening"')
      const [token = ''] = /(?<=only now: )\w+/.exec(program.stderr()) ?? []
      const asked = home.start(curl.replace('TOKEN', token).replaceAll('curl ', 'curl -sf ').replaceAll('localhost:5241', `localhost:${port}`))
      t.equal(await asked.ended, 0, 'a client with its token is answered')
      const refused = home.start(`curl -sf http://localhost:${port}/MAAS/api/2.0/machines/`)
      t.equal(await refused.ended, 22, 'one without is not')
      await program.printed('"client":"alice"')
      await stop(program)
    }],
    ['maas-auth-proxy --listen 0.0.0.0', async block => {
      const { ca, issue } = await makeAuthority()
      const [server, alice] = [await issue({ names: [{ type: 'dns', value: 'maas-proxy.example' }] }), await issue({ subject: 'CN=alice', names: [] })]
      const files = { ca, cert: server.cert, key: server.key, alice: alice.cert, 'alice-key': alice.key }
      for (const [name, text] of Object.entries(files)) writeFileSync(join(home.dir, `${name}.pem`), text, { mode: 0o600 })
      const [serve = '', curl = ''] = block.replace('0.0.0.0:5241', `127.0.0.1:${port}`).replace(':5241', `:${port}`).split(/^(?=curl)/m)
      const program = home.start(`exec ${serve}`, '', own)
      await program.printed('"msg":"listening"')
      const asked = home.start(curl.replace('curl', `curl -sf --resolve maas-proxy.example:${port}:127.0.0.1`))
      t.equal(await asked.ended, 0, 'a client with a certificate is answered by https')
      await program.printed('"client":"alice"')
      await stop(program)
    }],
    ['maas-auth-proxy --allow-credential-operation', async block => {
      const program = home.start(`exec ${block}`, '', own)
      await program.printed('"msg":"listening"')
      await stop(program)
      t.match(program.stdout(), /power_parameters/, 'and every start warns of it')
    }],
    ['maas-auth-proxy --listen unix:', async block => {
      const [serve = '', curl = ''] = block
        .replaceAll('/run/maas-auth-proxy', sockets).replace('--socket-group maas', `--socket-group ${process.getgid?.()}`)
        .split('\n')
      const program = home.start(`exec ${serve}`, '', own)
      await program.printed('"msg":"listening"')
      const asked = home.start(curl.replace('curl', 'curl -sf'))
      t.equal(await asked.ended, 0, 'a request over the unix socket')
      await stop(program)
    }]
  ]

  const seen = new Set<string>()
  for (const [, text = ''] of BLOCKS) {
    const block = text.replaceAll(/^ +(?=\S)/gm, line => text.startsWith('  npm') ? '' : line)
    const [begins] = [...ELSEWHERE, ...runs].find(([begins]) => block.startsWith(begins)) ?? []
    t.ok(begins, `${block.split('\n')[0]}: is run, or known not to be`)
    if (begins === undefined) continue
    seen.add(begins)
    await runs.find(([known]) => known === begins)?.[1](block)
  }
  t.strictSame([...ELSEWHERE, ...runs].map(([begins]) => begins).filter(begins => !seen.has(begins)), [], 'none is gone')
})
