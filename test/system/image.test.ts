import t from 'tap'
import { execFileSync } from 'node:child_process'
import { chownSync, cpSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startStandIn } from '../../src/demo/stand-in/index.ts'
import { ImageStore, podCommand, podProcess, whyNoImages } from '../helper/image.ts'
import { startCommand } from '../helper/process.ts'
import { freePort } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const { version, license } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const README = readFileSync(join(ROOT, 'README.md'), 'utf8')
const NAME = `maas-auth-proxy:${version}`
const MAX_BYTES = 12 * 1024 * 1024
const LABELS = {
  'org.opencontainers.image.title': 'maas-auth-proxy',
  'org.opencontainers.image.version': version,
  'org.opencontainers.image.revision': 'a1b2c3',
  'org.opencontainers.image.source': 'https://source.example/maas-auth-proxy',
  'org.opencontainers.image.licenses': license
}

/** The bytes of all files below a folder. */
function bytesOf (dir: string): number {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  return files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
}

t.test('the image is built, is small, answers in a closed pod, and drains', { skip: whyNoImages() }, async t => {
  const store = new ImageStore(t.testdir())
  store.makeStandIns()
  const npmCache = execFileSync('npm', ['config', 'get', 'cache'], { encoding: 'utf8' }).trim()
  store.build(NAME, ROOT, npmCache, { REVISION: 'a1b2c3', SOURCE: 'https://source.example/maas-auth-proxy' })
  const config = store.configOf(NAME)
  t.match(config, { User: '65532:65532', WorkingDir: '/app', Labels: LABELS })
  t.strictSame(config.Healthcheck.Test, ['CMD', ...config.Entrypoint, 'ready'], 'its health check asks the proxy with the same flags')

  const root = store.mount(NAME)
  const added = bytesOf(root) - bytesOf(store.mountBase())
  t.ok(added <= MAX_BYTES, `${added} bytes are over its base, of ${MAX_BYTES}`)
  const content = readdirSync(join(root, 'app'), { recursive: true, encoding: 'utf8' }).sort()
  for (const name of ['LICENSE', 'dist/LICENSES-OF-PACKAGES', 'dist/sbom.cdx.json']) t.ok(content.includes(name), name)
  t.strictSame(readdirSync(join(root, 'app/node_modules')), ['@sqlite.org'], 'the bundle has the other packages in it')

  // What looks is put into this container alone, as are the files that a runtime mounts.
  for (const name of ['code-cache.ts', 'v8-flags.ts']) cpSync(join(ROOT, 'src/performance', name), join(root, 'tmp', name))
  writeFileSync(join(root, 'tmp/is-cached.mjs'), `
    import { loadScript } from './code-cache.ts'
    import { setV8Flags } from './v8-flags.ts'
    setV8Flags()
    console.log(loadScript(new URL('file:///app/dist/bundle.cjs')).cached)`)
  const maas = await startStandIn()
  t.after(() => maas.close())
  const { consumer, token, secret } = maas.admin
  const key = join(root, 'key')
  writeFileSync(key, `${consumer}:${token}:${secret}`, { mode: 0o400 })
  chownSync(key, 65532, 65532)
  const port = await freePort()
  const env = { MAAS_URL: maas.url, MAAS_PROXY_LISTEN: `127.0.0.1:${port}` } // by which its health check finds it
  const runInPod = (command: readonly string[]) => startCommand(t, podCommand(root, '65532:65532', command), env)

  const flags = config.Entrypoint.slice(0, config.Entrypoint.indexOf('--'))
  const cached = runInPod([...flags, '/tmp/is-cached.mjs'])
  t.equal(await cached.ended, 0, cached.stderr())
  t.equal(cached.stdout(), 'true\n', 'its node takes the code cache under the flags of the entry point')

  const asked = runInPod([...config.Entrypoint, '--version'])
  t.equal(await asked.ended, 0)
  t.match(asked.stdout(), `${version} (commit a1b2c3, Node `, 'it knows its commit')

  const health = (): Promise<number | string> => runInPod(config.Healthcheck.Test.slice(1)).ended
  t.equal(await health(), 1, 'it is not healthy before it runs')
  const [, words = ''] = new RegExp(`^ +${NAME} (--.*)$`, 'm').exec(README) ?? []
  const args = words.replace('0.0.0.0:5241', `127.0.0.1:${port}`).split(' ')
  t.match(README, `docker build -t ${NAME} .`, 'the name of the image is that of README')
  const proxy = runInPod([...config.Entrypoint, ...args]) // as README says
  await proxy.printed('"msg":"listening"')
  t.equal(await health(), 0, 'it is healthy')
  const answer = await fetch(`http://127.0.0.1:${port}/MAAS/api/2.0/users/?op=whoami`)
  t.match(await answer.json(), { username: maas.admin.user }, 'it answers')

  const pid = podProcess(Number(proxy.child.pid))
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  for (const line of ['Uid:\t65532\t', 'Gid:\t65532\t', 'CapEff:\t0000000000000000\n', 'CapPrm:\t0000000000000000\n', 'NoNewPrivs:\t1\n']) {
    t.ok(status.includes(line), line.trim())
  }
  t.match(status, /^NSpid:\t\d+\t1$/m, 'it is the first process, to which signals come that it handles alone')
  t.match(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'), /^(?:\S+ ){4}\/ ro[, ]/m, 'its root is read-only')

  const upload = request({ port, path: '/MAAS/api/2.0/tags/', method: 'POST', agent: false, headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': 9, expect: '100-continue' } })
  const answered = new Promise<number | undefined>((resolve, reject) => {
    upload.on('response', response => { response.resume(); resolve(response.statusCode) }).on('error', reject)
  })
  const began = new Promise(resolve => upload.once('continue', resolve))
  upload.flushHeaders()
  await began
  process.kill(pid, 'SIGTERM')
  await until('it takes no new connection', async () => await fetch(`http://127.0.0.1:${port}/-/live`).then(() => false, () => true))
  upload.end('name=blue')
  t.equal(await answered, 200, 'a running request gets its answer after SIGTERM')
  t.equal(await proxy.ended, 0, 'and then it ends')
})
