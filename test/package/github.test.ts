import t from 'tap'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type * as WorkflowParser from '@actions/workflow-parser'
import { Ajv } from 'ajv'
import { build } from 'esbuild'
import { parse } from 'yaml'
import { SETTINGS } from '../../src/settings/table.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFileSync(resolve(ROOT, path), 'utf8')
const names = readdirSync(resolve(ROOT, '.github/workflows'))
const workflows = names.map(name => ({ name, text: read(`.github/workflows/${name}`) }))

interface Step { uses?: string, run?: string, with?: Record<string, unknown> }
interface Job { permissions?: Record<string, string>, steps?: Step[], uses?: string, 'timeout-minutes'?: number }
const jobs = workflows.flatMap(({ name, text }) => (
  Object.entries<Job>(parse(text).jobs).map(([id, job]) => ({ id: `${name} ${id}`, job }))
))
const steps = jobs.flatMap(({ id, job }) => (job.steps ?? []).map(step => ({ id, step })))

/**
 * Loads GitHub's own parser of workflows, which has their schema. It is made for bundlers: it imports JSON in a way
 * that Node refuses.
 */
async function loadParser (dir: string): Promise<typeof WorkflowParser> {
  const outfile = join(dir, 'parser.cjs')
  await build({
    stdin: { contents: "export * from '@actions/workflow-parser'", resolveDir: ROOT },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    logLevel: 'error',
    outfile
  })
  return createRequire(import.meta.url)(outfile) as typeof WorkflowParser
}

t.test('workflows have the schema of GitHub, and a mistake in one is found', async t => {
  const { parseWorkflow, NoOperationTraceWriter } = await loadParser(t.testdir())
  const problems = (name: string, content: string): string[] => {
    const { context } = parseWorkflow({ name, content }, new NoOperationTraceWriter())
    return context.errors.getErrors().map(({ message }) => message)
  }
  t.ok(workflows.length > 0)
  for (const { name, text } of workflows) t.strictSame(problems(name, text), [], name)
  const release = read('.github/workflows/release.yml')
  const rows: ReadonlyArray<[right: string, wrong: string, problem: RegExp]> = [
    ['contents: read', 'content: read', /Unexpected value 'content'/],
    ['runs-on: ubuntu-24.04', 'run-on: ubuntu-24.04', /Unexpected value 'run-on'|Required property is missing/],
    ['id-token: write', 'id-token: all', /Unexpected value 'all'/],
    ['workflow_dispatch:', 'workflow_dispatched:', /Unexpected value 'workflow_dispatched'/],
    ['github.sha', 'gitub.sha', /Unrecognized named-value: 'gitub'/]
  ]
  for (const [right, wrong, problem] of rows) {
    const text = release.replace(right, wrong)
    t.not(text, release, right)
    t.match(problems('release.yml', text).join('\n'), problem, wrong)
  }
})

t.test('actions are pinned by a commit, with the version beside it', async t => {
  const uses = workflows.flatMap(({ text }) => [...text.matchAll(/^ *(?:- )?uses: (.*)$/gm)].map(([, value = '']) => value))
  t.ok(uses.length > 5)
  for (const value of uses) t.match(value, /^(?:[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\.\/\.github\/workflows\/\S+)$/, value)
  t.strictSame(uses.filter(value => value.startsWith('./') && !existsSync(resolve(ROOT, value))), [], 'a workflow of this repository is there')
  const commits = new Map(uses.map(value => [value.split('@')[0], value]))
  t.strictSame(uses.filter(value => commits.get(value.split('@')[0]) !== value), [], 'one action has one version')
})

/** What jobs may write, and why. */
const WRITES: Readonly<Record<string, readonly string[]>> = {
  'release.yml artefacts': ['attestations', 'contents', 'id-token'], // signs artefacts, makes tag and release
  'release.yml image': ['attestations', 'id-token', 'packages'] // signs and pushes the image
}

t.test('jobs may do no more than they have to', async t => {
  for (const { name, text } of workflows) t.strictSame(parse(text).permissions, { contents: 'read' }, `${name}: by default they read`)
  for (const { id, job } of jobs) {
    const writes = Object.entries(job.permissions ?? {}).filter(([, access]) => access === 'write').map(([name]) => name)
    t.strictSame(writes.sort(), WRITES[id] ?? [], `${id}: writes`)
    t.ok(job.uses !== undefined || Number(job['timeout-minutes']) <= 90, `${id}: ends`)
  }
  for (const { id, step } of steps) {
    if (step.uses?.startsWith('actions/checkout@')) t.equal(step.with?.['persist-credentials'], false, `${id}: leaves no token in the tree`)
    t.notMatch(step.run ?? '', '${{', `${id}: no text of a stranger becomes a part of a script`)
  }
})

t.test('CI runs the script that everybody runs, and a release is tested, attested and built for two architectures', async t => {
  const runs = (workflow: string) => steps.filter(({ id }) => id.startsWith(workflow)).map(({ step }) => step.run ?? step.uses ?? '')
  t.ok(runs('ci.yml').includes('.ci/run'))
  const release = parse(read('.github/workflows/release.yml')).jobs
  t.strictSame([release.test.uses, release.artefacts.needs, release.image.needs], ['./.github/workflows/ci.yml', 'test', 'artefacts'])
  t.match(runs('release.yml').join('\n'), /npm run --silent release[^]*actions\/attest@[^]*gh release create[^]*build-push-action@[^]*actions\/attest@/)
  const { with: image } = release.image.steps.find(({ uses }: Step) => uses?.startsWith('docker/build-push-action@'))
  t.match(image, { platforms: 'linux/amd64,linux/arm64', provenance: 'mode=max', sbom: true })
  const args = [...image['build-args'].matchAll(/^(\w+)=/gm)].map(([, name]) => name)
  const declared = [...read('Dockerfile').matchAll(/^ARG (\w+)/gm)].map(([, name]) => name)
  t.strictSame(new Set(args), new Set(declared), 'the build gets all arguments of the Dockerfile')
})

/** What is used of Dependabot's configuration. GitHub has no schema of it in a package. */
const DEPENDABOT = {
  type: 'object',
  required: ['version', 'updates'],
  additionalProperties: false,
  properties: {
    version: { const: 2 },
    updates: {
      type: 'array',
      items: {
        type: 'object',
        required: ['package-ecosystem', 'directory', 'schedule'],
        additionalProperties: false,
        properties: {
          'package-ecosystem': { enum: ['npm', 'github-actions', 'docker'] },
          directory: { type: 'string', pattern: '^/' },
          schedule: {
            type: 'object', required: ['interval'], additionalProperties: false, properties: { interval: { enum: ['weekly', 'monthly'] } }
          },
          groups: {
            type: 'object',
            additionalProperties: {
              type: 'object',
              additionalProperties: false,
              properties: {
                'dependency-type': { enum: ['production', 'development'] }, patterns: { type: 'array', items: { type: 'string' } }
              }
            }
          }
        }
      }
    }
  }
}

t.test('Dependabot looks after packages, actions and bases of the image', async t => {
  const settings = parse(read('.github/dependabot.yml'))
  const validate = new Ajv().compile(DEPENDABOT)
  t.ok(validate(settings), JSON.stringify(validate.errors))
  t.notOk(validate({ version: 2, updates: [{ 'package-ecosystem': 'npm', directory: '/' }] }), 'a mistake is found')
  const updates: Array<{ 'package-ecosystem': string, directory: string }> = settings.updates
  t.strictSame(new Set(updates.map(update => update['package-ecosystem'])), new Set(['npm', 'github-actions', 'docker']))
  for (const { directory } of updates) t.ok(existsSync(join(ROOT, directory)), directory)
})

t.test('SECURITY.md says how to report, and names settings that there are', async t => {
  const security = read('.github/SECURITY.md')
  t.match(security, /^## Report a vulnerability$[^]*^## In scope$[^]*^## Not in scope$/m)
  t.match(read('README.md'), '(.github/SECURITY.md)')
  const flags = new Set<string | null>(['--version', ...Object.values(SETTINGS).map(({ flag }) => flag)])
  for (const [flag] of security.matchAll(/--[a-z-]+/g)) t.ok(flags.has(flag), flag)
})
