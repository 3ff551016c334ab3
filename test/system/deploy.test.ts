import t from 'tap'
import { spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DCLinter } from 'dclint'
import type { PodSpec } from 'kubernetes-types/core/v1.d.ts'
import ts from 'typescript'
import { parse, parseAllDocuments } from 'yaml'
import { loadConfig } from '../../src/settings/load.ts'
import { SETTINGS } from '../../src/settings/table.ts'
import { makeCertificates } from '../helper/certificates.ts'
import { ENVIRONMENT, PROGRAM, startCommand } from '../helper/process.ts'
import { KEY } from '../helper/proxy.ts'
import { exchange, get, rawUpstream } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const KUBERNETES = resolve(ROOT, 'config/kubernetes')
const read = (path: string) => readFileSync(resolve(ROOT, path), 'utf8')
const run = (command: string, ...args: string[]) => spawnSync(command, args, { encoding: 'utf8', env: ENVIRONMENT })

const { version } = JSON.parse(read('package.json'))
const [, user = ''] = /^USER (\d+):\1$/m.exec(read('Dockerfile')) ?? []
const DRAIN_SECONDS = Number.parseInt(SETTINGS.drainTimeoutMs.default ?? '')

/** The files that are mounted. */
const { cert, key: certKey } = await makeCertificates()
const JWKS = JSON.stringify({ keys: [{ ...generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }), kid: 'x' }] })
const SECRETS = t.testdir({
  cert,
  key: certKey,
  jwks: JWKS,
  'maas-api-key': 'ConsumerKeyMarked1:TokenKeyMarked0001:TokenSecretMarked00000000000001x\n',
  'client-tokens': 'alice alice-token-0001\n'
})
for (const name of ['maas-api-key', 'client-tokens', 'key']) chmodSync(join(SECRETS, name), 0o600)

/** An object of Kubernetes, as far as the tests look into it. */
interface Manifest {
  apiVersion: string
  kind: string
  spec: {
    replicas?: number
    ports?: Array<{ port: number }>
    template: { metadata?: { labels?: Record<string, string> }, spec: PodSpec }
  }
}

/** The objects in a text, read as Kubernetes reads it: by YAML 1.1, in which 0440 is octal. */
function objectsOf (text: string): Manifest[] {
  return parseAllDocuments(text, { version: '1.1' }).map(document => document.toJS())
}

const files = readdirSync(KUBERNETES, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.yaml')).sort()
const manifests = files.filter(name => basename(name) !== 'kustomization.yaml').map(name => ({ name, text: read(`config/kubernetes/${name}`) }))
const allPods = manifests.flatMap(({ name, text }) =>
  objectsOf(text).flatMap(({ spec }) =>
    spec.template === undefined ? [] : [{ name, pod: spec.template.spec }]))

const pods = allPods.filter(({ pod }) => containersOf(pod).proxy.length > 0)
const clients = allPods.filter(({ pod }) => containersOf(pod).proxy.length === 0)

/**
 * Checks objects against the types that are made from the schema of Kubernetes: by the compiler, which also refuses a
 * field that is not there.
 * @returns a line for each problem, below the name of its object
 */
function typeProblems (dir: string, objects: Readonly<Record<string, Manifest>>): Record<string, string> {
  const paths = Object.values(objects).map((object, i) => {
    const module = object.apiVersion.includes('/') ? object.apiVersion.replace('.k8s.io/', '/') : `core/${object.apiVersion}`
    const path = join(dir, `${i}.ts`)
    writeFileSync(path, `import type { ${object.kind} as Type } from 'kubernetes-types/${module}.d.ts'\nexport const object: Type = ${JSON.stringify(object)}\n`)
    return path
  })
  const program = ts.createProgram(paths, { strict: true, noEmit: true, types: [], lib: ['lib.es5.d.ts'], skipLibCheck: true, module: ts.ModuleKind.NodeNext })
  const problems = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => [Object.keys(objects)[paths.indexOf(file?.fileName ?? '')] ?? '', ts.flattenDiagnosticMessageText(messageText, ' ')] as const)
  return Object.fromEntries(problems)
}

/** The objects by what they are. */
function named (objects: readonly Manifest[], prefix = ''): Record<string, Manifest> {
  return Object.fromEntries(objects.map((object, i) => [`${prefix}${i} ${object.kind}`, object]))
}

t.test('the objects for Kubernetes have the fields and types of its schema, and a mistake in one is found', async t => {
  const text = read('config/kubernetes/base/deployment.yaml')
  const rows: ReadonlyArray<[string, string, RegExp]> = [
    ['readOnlyRootFilesystem', 'readOnlyRootFileSystem', /"readOnlyRootFileSystem"' does not exist in type 'SecurityContext'/],
    ['periodSeconds: 1\n', 'periodSeconds: "1"\n', /Type 'string' is not assignable to type 'number'/],
    ['port: admin', 'prt: admin', /"prt"' does not exist in type 'HTTPGetAction'/],
    ['kind: Deployment', 'kind: Deploy', /has no exported member/],
    ['apiVersion: apps/v1', 'apiVersion: apps/v2', /Cannot find module/]
  ]
  const mistakes = rows.map(([right, wrong]) => [wrong, objectsOf(text.replace(right, wrong))[0] as Manifest] as const)
  const problems = typeProblems(t.testdir(), {
    ...named(manifests.flatMap(({ text }) => objectsOf(text))),
    ...Object.fromEntries(mistakes)
  })
  t.strictSame(Object.keys(problems).sort(), rows.map(([, wrong]) => wrong).sort(), 'the mistakes and no others')
  for (const [, wrong, problem] of rows) t.match(problems[wrong], problem, wrong)
})

t.test('whatever ends in failure is started again, and what is set wrongly is not', async t => {
  const unit = read('config/systemd/maas-auth-proxy.service')
  t.match(unit, /^Restart=on-failure$/m, 'systemd: exit 1 is a failure')
  t.match(unit, /^RestartPreventExitStatus=2$/m, 'systemd: settings do not become right by trying again')
  const { services } = parse(read('config/compose.yaml'))
  for (const [name, { restart }] of Object.entries<{ restart?: string }>(services)) {
    if (name === 'maas-auth-proxy') t.equal(restart, 'unless-stopped', 'compose')
  }
  for (const { name, pod } of pods.filter(({ name }) => name.startsWith('base') || name.startsWith('sidecar'))) {
    t.equal(pod.restartPolicy ?? 'Always', 'Always', `Kubernetes: ${name}`)
  }

  // What systemd does by that unit, with a program that fails once where nobody can catch it.
  const upstream = await rawUpstream(t)
  const fail = "process.on('SIGUSR1', () => setImmediate(() => { throw new Error('boom') }))"
  const env = { MAAS_URL: upstream.url, MAAS_API_KEY: Object.values(KEY).join(':'), NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(fail)}` }
  const policy = 'while "$@"; status=$?; [ $status -ne 0 ] && [ $status -ne 2 ]; do :; done; exit $status'
  const supervised = startCommand(t, ['/bin/sh', '-c', policy, 'sh', ...PROGRAM, '--listen', '127.0.0.1:0', '--log-level', 'info'], env)
  const started = () => [...supervised.stdout().matchAll(/"address":"http:\/\/127\.0\.0\.1:(\d+)"/g)].map(([, port]) => Number(port))
  await until('it listens', () => started().length === 1)
  t.match(await exchange(started()[0] as number, get('/MAAS/api/2.0/machines/')), /^HTTP\/1\.1 200 /)
  const signal = (name: NodeJS.Signals) => {
    process.kill(Number(spawnSync('pgrep', ['-P', String(supervised.child.pid)], { encoding: 'utf8' }).stdout), name)
  }
  signal('SIGUSR1')
  await until('it listens again', () => started().length === 2)
  t.match(await exchange(started()[1] as number, get('/MAAS/api/2.0/machines/')), /^HTTP\/1\.1 200 /, 'and answers')
  signal('SIGTERM')
  t.equal(await supervised.ended, 0, 'and is not started again when it was asked to stop')
})

t.test('Kustomize builds each of them, with the image of this version', { skip: run('kubectl', 'kustomize', '--help').status !== 0 && 'there is no kubectl' }, async t => {
  const overlay = t.testdir({
    'kustomization.yaml': (/```yaml\n(resources: [^]*?)```/.exec(read('README.md'))?.[1] ?? '').replace('config/kubernetes/base', 'base').replace('maas.example', 'other.example'),
    base: Object.fromEntries(readdirSync(join(KUBERNETES, 'base')).map(name => [name, read(`config/kubernetes/base/${name}`)])),
    check: {}
  })
  const listeners: Record<string, unknown> = {}
  const built: Record<string, Manifest> = {}
  for (const directory of [...['base', 'sidecar', 'job', 'workloads'].map(name => join(KUBERNETES, name)), overlay]) {
    const { stdout, stderr, status } = run('kubectl', 'kustomize', directory)
    t.equal(status, 0, directory)
    t.equal(stderr, '', 'without a warning')
    t.match(stdout, new RegExp(`image: ${directory === overlay ? 'registry.example/' : ''}maas-auth-proxy:${version}\n`))
    if (directory === overlay) t.match(stdout, 'MAAS_URL: https://other.example:5443/MAAS\n', 'settings are put over it as README says')
    Object.assign(built, named(objectsOf(stdout), directory))
    const pod = objectsOf(stdout)
      .flatMap(({ spec }: Partial<Manifest>) => spec?.template?.spec ?? [])
      .find(pod => containersOf(pod).proxy.length > 0)
    const { listeners: [listener] } = await config(variablesOf(containersOf(pod as PodSpec).proxy[0]))
    const { tls, clients, workloads } = listener ?? {}
    listeners[basename(directory)] = { tls: tls !== null, clients: clients?.length, audience: workloads?.audience }
  }
  t.strictSame(typeProblems(join(overlay, 'check'), built), {})
  t.match(listeners, {
    base: { tls: true, clients: 1, audience: undefined },
    sidecar: { tls: false, clients: undefined },
    job: { tls: false, clients: undefined },
    workloads: { tls: true, clients: 0, audience: 'maas-auth-proxy' }
  }, 'the services have TLS, and clients with tokens of their own or of the cluster')
})

/** The containers of a pod, the proxy apart from the others. */
function containersOf (pod: PodSpec) {
  const all = [...pod.initContainers ?? [], ...pod.containers]
  return { all, proxy: all.filter(({ name }) => name === 'maas-auth-proxy'), others: all.filter(({ name }) => name !== 'maas-auth-proxy') }
}

t.test('every pod is as closed as it can be', async t => {
  t.equal(pods.length, 3)
  for (const { name, pod } of allPods) {
    const { all } = containersOf(pod)
    t.match(pod, { automountServiceAccountToken: false, enableServiceLinks: false, securityContext: { runAsNonRoot: true, runAsUser: Number(user), fsGroup: Number(user), seccompProfile: { type: 'RuntimeDefault' } } }, name)
    for (const container of all) {
      t.match(container.securityContext, { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } }, `${name}: ${container.name}`)
      t.match(container.resources, { requests: { cpu: String, memory: String }, limits: { memory: String } })
    }
  }
  for (const { pod } of pods) {
    const { proxy, others } = containersOf(pod)
    t.equal(proxy.length, 1)
    t.strictSame([proxy[0]?.command, proxy[0]?.args], [undefined, undefined], 'settings are variables, so that an overlay can replace one, and the key is no argument')
    t.strictSame(others.filter(({ volumeMounts }) => volumeMounts !== undefined), [], 'only the proxy has the key')
    t.strictSame(new Set(pod.volumes?.map(({ secret }) => secret?.defaultMode)), new Set([0o440]), 'which its user reads through the group, and nobody else')
  }
})

t.test('a workload has a token for the proxy, and its CA', async t => {
  t.equal(clients.length, 1)
  const [{ name, pod }] = clients as [typeof clients[number]]
  const [label] = Object.keys(objectsOf(read(`config/kubernetes/${name}`))[0]?.spec.template.metadata?.labels ?? {})
  t.match(read('config/kubernetes/base/networkpolicy.yaml'), `${label}: "true"`, 'and is let in')
  const [service] = objectsOf(read('config/kubernetes/base/service.yaml'))
  t.match(pod.containers[0]?.command?.[2], ` https://maas-auth-proxy:${service?.spec.ports?.[0]?.port}/MAAS/`)
  const [volume] = pod.volumes ?? []
  const [token, ca] = volume?.projected?.sources ?? []
  t.match(read('config/kubernetes/workloads/kustomization.yaml'), `value: ${token?.serviceAccountToken?.audience}\n`, 'for the audience that the proxy asks for')
  t.strictSame(ca?.secret?.items?.map(({ key }) => key), ['ca.crt'], 'the key of the certificate is not there')
  const paths = [token?.serviceAccountToken?.path, ca?.secret?.items?.[0]?.path].map(path => `${pod.containers[0]?.volumeMounts?.[0]?.mountPath}/${path}`)
  for (const path of paths) t.match(pod.containers[0]?.command?.[2], path)
})

t.test('every pod is probed, and has the time to drain', async t => {
  for (const { name, pod } of pods) {
    const [proxy] = containersOf(pod).proxy
    const adminPort = proxy?.ports?.find(port => port.name === 'admin')?.containerPort
    const listen = proxy?.env?.find(variable => variable.name === 'MAAS_PROXY_ADMIN_LISTEN')?.value
    t.equal(listen, `0.0.0.0:${adminPort}`, `${name}: the probes go where it listens for them`)
    t.match(proxy, { startupProbe: { httpGet: { path: '/-/live', port: 'admin' } }, livenessProbe: { httpGet: { path: '/-/live', port: 'admin' } } })
    if (proxy?.readinessProbe !== undefined) t.match(proxy.readinessProbe, { httpGet: { path: '/-/ready', port: 'admin' }, timeoutSeconds: 6 })
    t.ok(Number(pod.terminationGracePeriodSeconds) > DRAIN_SECONDS + Number.parseInt(variablesOf(proxy)['MAAS_PROXY_SHUTDOWN_DELAY'] ?? '0'), 'draining comes first')
  }
  const [sidecar, job] = ['sidecar/deployment.yaml', 'job/job.yaml'].map(name => pods.find(pod => pod.name === name)?.pod)
  for (const pod of [sidecar, job]) t.match(pod, { initContainers: [{ name: 'maas-auth-proxy', restartPolicy: 'Always' }] }, 'a native sidecar')
})

t.test('the replicas behind the Service are found, and reached by its names', async t => {
  const base = manifests.filter(({ name }) => name.startsWith('base/')).flatMap(({ text }) => objectsOf(text))
  const [proxy] = containersOf(pods.find(({ name }) => name === 'base/deployment.yaml')?.pod as PodSpec).proxy
  const [service] = base.filter(({ kind }) => kind === 'Service')
  t.ok(Number(base.find(({ kind }) => kind === 'Deployment')?.spec.replicas) >= 2)
  t.equal(service?.spec.ports?.[0]?.port, proxy?.ports?.find(port => port.name === 'https')?.containerPort)
  const [listener] = (await config(variablesOf(proxy))).listeners
  t.strictSame(listener?.allowHost, ['maas-auth-proxy', 'maas-auth-proxy.test', 'maas-auth-proxy.test.svc', 'maas-auth-proxy.test.svc.cluster.local'])
  t.strictSame(listener?.address, { host: '0.0.0.0', port: service?.spec.ports?.[0]?.port })
})

/** The variables of a container, as Kubernetes sets them in the namespace `test`. */
function variablesOf (
  container: { env?: Array<{ name: string, value?: string }> } | undefined
): Record<string, string> {
  const variables = (container?.env ?? []).map(({ name, value }) => [name, (value ?? 'test').replaceAll('$(NAMESPACE)', 'test')])
  return { MAAS_URL: 'https://maas.example:5443/MAAS', ...Object.fromEntries(variables) }
}

/** What the proxy makes of variables, with files of this test in place of those that are mounted. */
async function config (variables: Record<string, string>) {
  const mounted = { MAAS_API_KEY_FILE: 'maas-api-key', MAAS_PROXY_CLIENT_TOKEN_FILE: 'client-tokens', MAAS_PROXY_TLS_CERT_FILE: 'cert', MAAS_PROXY_TLS_KEY_FILE: 'key', MAAS_PROXY_CLIENT_JWKS: 'jwks' }
  const placed = Object.entries(mounted)
    .filter(([name]) => name in variables)
    .map(([name, file]) => [name, join(SECRETS, file)])
  return await loadConfig({}, { ...variables, ...Object.fromEntries(placed) })
}

t.test('the proxy starts with what each of them says, and the key is in a file', async t => {
  const compose = parse(read('config/compose.yaml')).services['maas-auth-proxy']
  const service = read('config/systemd/maas-auth-proxy.service')
  const unit = Object.fromEntries([...service.matchAll(/^Environment=([^=]+)=(.*)$/gm)].map(([, name, value]) => [name, value]))
  const [, credential] = /^LoadCredential=([^:]+):\//m.exec(service) ?? []
  const cases = [
    ...pods.map(({ name, pod }) => ({ name, variables: variablesOf(containersOf(pod).proxy[0]), key: 'MAAS_API_KEY_FILE' })),
    { name: 'compose.yaml', variables: { ...compose.environment, MAAS_URL: 'https://maas.example:5443/MAAS' }, key: 'MAAS_API_KEY_FILE' },
    { name: 'maas-auth-proxy.service', variables: { ...unit, MAAS_URL: 'https://maas.example:5443/MAAS', CREDENTIALS_DIRECTORY: SECRETS }, key: `the systemd credential ${credential}` }
  ]
  for (const { name, variables, key } of cases) {
    t.strictSame(Object.keys(variables).filter(variable => variable.startsWith('MAAS_') && !Object.values(SETTINGS).some(({ env }) => env === variable)), [], `${name}: every variable is a setting`)
    t.strictSame((await config(variables)).keys.map(({ name }) => name), [key], 'and has a value that the proxy takes')
  }
})

t.test('every flag and variable that a comment or README names is a setting', async t => {
  const known = new Set(Object.values(SETTINGS).flatMap(({ flag, env }) => [flag, env]))
  for (const name of [...files.map(name => `config/kubernetes/${name}`), 'config/compose.yaml', 'config/systemd/maas-auth-proxy.service', 'config/systemd/maas-auth-proxy.socket']) {
    const variables = read(name).match(/\bMAAS_PROXY_[A-Z_]*[A-Z]\b/g) ?? []
    t.strictSame(variables.filter(variable => !known.has(variable)), [], name)
  }
})

/**
 * What is wrong with a compose file: by the schema of the Compose Specification, and by rules of its users; how it is
 * sorted is left to us.
 */
function composeProblems (path: string): string[] {
  const linter = new DCLinter({ rules: {}, quiet: true, debug: false, exclude: [] })
  const results: Array<{ messages: Array<{ rule: string, category: string, message: string }> }> =
    linter.lintFiles([path], false)
  return results.flatMap(({ messages }) => messages).filter(({ rule, category }) => rule === 'invalid-schema' || category !== 'style').map(({ message }) => message)
}

t.test('the compose file is one by its specification, and a mistake in it is found', async t => {
  t.strictSame(composeProblems(resolve(ROOT, 'config/compose.yaml')), [])
  const rows: ReadonlyArray<[string, string]> = [['read_only: true', 'readonly: true'], ['interval: 10s', 'intervall: 10s'], ['cap_drop:\n      - ALL', 'cap_drop: true']]
  for (const [right, wrong] of rows) {
    const dir = t.testdir({ 'compose.yaml': read('config/compose.yaml').replace(right, wrong) })
    t.not(composeProblems(join(dir, 'compose.yaml')).length, 0, wrong)
  }
})

t.test('the compose file runs the image as it is', async t => {
  const { services, secrets } = parse(read('config/compose.yaml'))
  const proxy = services['maas-auth-proxy']
  t.match(proxy, { image: `maas-auth-proxy:${version}`, user: `${user}:${user}`, read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] })
  t.equal(proxy.environment.MAAS_API_KEY_FILE, `/run/secrets/${proxy.secrets[0]}`, 'where compose puts the secret')
  t.ok(secrets[proxy.secrets[0]])
  t.ok(Number.parseInt(proxy.stop_grace_period) > DRAIN_SECONDS)
  t.equal(proxy.ports, undefined, 'nothing is reachable from outside')
  const [, entry = ''] = /^ENTRYPOINT (\[.*\])$/m.exec(read('Dockerfile')) ?? []
  t.strictSame(proxy.healthcheck.test, ['CMD', ...JSON.parse(entry), 'ready'])
  const [, check = ''] = /^HEALTHCHECK .*CMD (\[.*\])$/m.exec(read('Dockerfile')) ?? []
  t.strictSame(JSON.parse(check), [...JSON.parse(entry), 'ready'], 'the image asks itself the same')
  t.match(services.application, { network_mode: 'service:maas-auth-proxy', depends_on: { 'maas-auth-proxy': { condition: 'service_healthy' } } })
  t.equal(services.application.secrets, undefined)
})

t.test('docker compose takes it', { skip: run('docker', 'compose', 'version').status !== 0 && 'docker has no compose here' }, async t => {
  const { status, stderr } = spawnSync('docker', ['compose', '--file', resolve(ROOT, 'config/compose.yaml'), 'config', '--quiet'], { encoding: 'utf8', env: { ...ENVIRONMENT, MAAS_URL: 'https://maas.example:5443/MAAS' } })
  t.equal(status, 0, stderr)
})

/** The units in a directory of their own, with a program that is there; `change` makes another service of it. */
function units (
  t: { testdir: (content: Record<string, string>) => string }, change = (service: string) => service
): string[] {
  const service = read('config/systemd/maas-auth-proxy.service').replace(/^ExecStart=maas-auth-proxy$/m, `ExecStart=${process.execPath}`)
  const dir = t.testdir({ 'maas-auth-proxy.service': change(service), 'maas-auth-proxy.socket': read('config/systemd/maas-auth-proxy.socket') })
  return [join(dir, 'maas-auth-proxy.service'), join(dir, 'maas-auth-proxy.socket')]
}

t.test('systemd takes the units, and finds them closed', { skip: run('systemd-analyze', '--version').status !== 0 && 'there is no systemd-analyze' }, async t => {
  const { status, stderr } = run('systemd-analyze', 'verify', ...units(t))
  t.equal(status, 0)
  t.equal(stderr, '', 'without a word')
  t.match(run('systemd-analyze', 'verify', ...units(t, service => service.replace('ProtectHome', 'ProtectHomes'))).stderr, /Unknown key.*ProtectHomes/, 'a mistake is found')
  const exposure = (paths: string[]) => run('systemd-analyze', 'security', '--offline=true', '--threshold=15', paths[0] ?? '')
  t.equal(exposure(units(t)).status, 0, 'an exposure of at most 1.5 of 10')
  t.not(exposure(units(t, service => service.replace('DynamicUser=yes\n', ''))).status, 0, 'with less it is more')
})

t.test('systemctl reload makes the proxy read its files again', async t => {
  const [, script = ''] = /^ExecReload=\/bin\/sh -c '(.*)'$/m.exec(read('config/systemd/maas-auth-proxy.service')) ?? []
  const key = join(t.testdir({ key: 'c:t:s' }), 'key')
  chmodSync(key, 0o600)
  const program = startCommand(t, [...PROGRAM, '--maas-url', 'http://127.0.0.1:1/MAAS', '--api-key-file', key, '--listen', '0', '--log-format', 'json'])
  await program.printed('requests will fail until this is fixed')
  const { status, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8', env: { MAINPID: String(program.child.pid) } })
  t.match({ status, stderr }, { status: 0, stderr: '' })
  await program.printed('same as before')
  program.child.kill('SIGTERM')
  t.equal(await program.ended, 0, 'and it goes on until it is stopped')
})

t.test('the unit leaves the proxy the time and the means that it needs', async t => {
  const service = read('config/systemd/maas-auth-proxy.service')
  const [, seconds] = /^TimeoutStopSec=(\d+)s$/m.exec(service) ?? []
  t.ok(Number(seconds) > DRAIN_SECONDS)
  t.match(service, /^Type=notify$[^]*^NotifyAccess=all$/m, 'systemd-notify is not the main process')
  t.match(service, /^ExecStart=maas-auth-proxy$/m, 'and the key is no argument')
  t.notMatch(service, /^MemoryDenyWriteExecute=/m, 'node compiles into memory')
  t.match(service, /^LoadCredential=maas-api-key:/m)
  t.match(service, /^RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX$/m)
})
