import t from 'tap'
import { parse } from 'yaml'
import { describeRules } from '../../src/cli/commands/policy/learned-text.ts'
import { findOperation, type Operation } from '../../src/maas/operations.ts'
import { formatRecording, parseRecording } from '../../src/observe/recording/recording-format.ts'
import { Recording } from '../../src/observe/recording/recording.ts'
import { knownOperations, type KnownOperation } from '../../src/policy/catalogue.ts'
import type { Policy } from '../../src/policy/policy.ts'
import { API_ROOT, segmentsOf } from '../../src/policy/segments.ts'
import { loadPolicies } from '../../src/settings/load.ts'

const ROUNDS = 30
const NAMES = ['blue', 'red', 'op-x', "a b'c", '50%', 'x*y', '7', 'ümlaut', '?']

let state = 7
const random = (limit: number) => (state = (state * 48_271) % 2_147_483_647) % limit

/** A request for an operation. @param nameOf finds the value of each parameter */
function requestOf ({ method, path, op }: KnownOperation, nameOf: () => string): Operation {
  return findOperation(method, API_ROOT + path.replaceAll(/\{[^}]+\}/g, nameOf), op === null ? [] : [['op', op]], null)
}

/** What a request does, whatever its names; two names of one resource are one. */
function effectOf ({ method, path, op }: KnownOperation): string {
  return `${method} ${segmentsOf(path).join('/')} ${op ?? ''}`
}

/** Records requests as a proxy with these rules would. */
function record (requests: readonly Operation[], policy: Policy): Recording {
  const recording = new Recording()
  for (const [i, operation] of requests.entries()) {
    const verdict = policy.decide(operation)
    const refused = verdict.allowed ? null : verdict.code
    recording.add({ method: operation.method, path: encodeURI(operation.path), operation, opUnknown: null, listener: 'http://127.0.0.1:5241', client: `client-${i % 3}`, refused, by: null, status: 200, time: `2026-11-27T05:00:${String(i).padStart(2, '0')}.000Z` })
  }
  return parseRecording(formatRecording(recording))
}

async function learn (recording: Recording, isExact: boolean): Promise<string[]> {
  const text = describeRules(recording, await loadPolicies({}, {}), { isExact, isByClient: false, isFlags: false })
  return (parse(text) as { allow: string[] }).allow
}

async function policyOf (allow: string[]): Promise<Policy> {
  const [listener] = await loadPolicies({ allow }, {})
  return listener?.policy as Policy
}

t.test(`${ROUNDS} random workloads: each passes under its rules, nothing else does, and --exact is never wider`, async t => {
  const [open] = await loadPolicies({}, {})
  const { policy: guard } = open as { policy: Policy }
  const all = knownOperations()
  t.ok(all.length > 390)
  const usual = all.filter(known => guard.decide(requestOf(known, () => 'x')).allowed)
  const failures: string[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const workload = Array.from({ length: 1 + random(30) }, () => {
      // A few guarded ones are among them. They are refused, and get no rule.
      const known = (random(10) === 0 ? all[random(all.length)] : usual[random(usual.length)]) as KnownOperation
      return { known, request: requestOf(known, () => NAMES[random(NAMES.length)] as string) }
    }).concat({ known: usual[0] as KnownOperation, request: requestOf(usual[0] as KnownOperation, () => 'x') })
    const passed = workload.filter(({ request }) => guard.decide(request).allowed)
    const recording = record(workload.map(({ request }) => request), guard)
    const rules = { wide: await learn(recording, false), exact: await learn(recording, true) }
    const policies = { wide: await policyOf(rules.wide), exact: await policyOf(rules.exact) }
    const fail = (what: string) => { failures.push(`round ${round}: ${what}`) }

    for (const { request } of passed) {
      if (!policies.wide.decide(request).allowed) fail(`refused: ${request.method} ${request.path} ${request.op}`)
      if (!policies.exact.decide(request).allowed) fail(`refused by --exact: ${request.method} ${request.path} ${request.op}`)
    }
    const asked = new Set(passed.map(({ known }) => effectOf(known)))
    for (const known of all) {
      for (const name of ['other', ...NAMES]) {
        const request = requestOf(known, () => name)
        const { allowed } = policies.wide.decide(request)
        if (allowed && !asked.has(effectOf(known))) fail(`allowed: ${effectOf(known)}`)
        if (policies.exact.decide(request).allowed && !allowed) fail(`wider with --exact: ${effectOf(known)} for ${name}`)
      }
    }
    const again = record(workload.map(({ request }) => request), policies.wide)
    again.merge(recording)
    if (JSON.stringify(await learn(again, false)) !== JSON.stringify(rules.wide)) fail('learning twice changes the rules')
    if (new Set(rules.wide).size !== rules.wide.length) fail('a rule twice')
  }
  t.strictSame(failures.slice(0, 20), [])
})
