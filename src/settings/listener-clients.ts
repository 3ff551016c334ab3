import { operationsOf } from '../policy/catalogue.ts'
import { Policy, type SourcedRule } from '../policy/policy.ts'
import { type ClientRow, type ClientsInput, digestOf, isWorkloadName, MIN_TOKEN_LENGTH } from './client-row.ts'
import type { ClientTokenFile } from './client-tokens.ts'
import { canPass } from '../policy/reach.ts'
import { readEffectfulReads } from './policy-settings.ts'
import type { SettingsReport } from './report.ts'
import { messageAt } from './place.ts'
import type { Values } from './table.ts'

/** A client of a listener. */
export interface ConfiguredClient {
  readonly name: string
  /** the SHA-256 of its token, in hexadecimal digits; null if it has none */
  readonly digest: string | null
  /** the name in its certificate; null if the name of the client is meant */
  readonly certificate: string | null
  /** its own rules, which narrow those of the listener; null if it has none */
  readonly policy: Policy | null
  /** when its access ends; null if it does not */
  readonly expires: Date | null
}

/** A client and its token. */
export interface ClientToken {
  name: string
  token: string
}

/** Where the clients of a listener come from. */
interface ClientSources {
  /** the file of tokens */
  file: ClientTokenFile | undefined
  /** the list of a configuration file */
  input: ClientsInput | undefined
  /** whether certificates name clients */
  byCertificate: boolean
  /** whether tokens of workloads name clients */
  byWorkload: boolean
}

/** Where the clients of a listener come from, by its settings. @param input the list of a configuration file */
export function clientSources (
  values: Partial<Pick<Values, 'clientTokenFile' | 'clientCaFile' | 'clientJwks'>>,
  input: ClientsInput | undefined
): ClientSources {
  const { clientTokenFile: file, clientCaFile, clientJwks } = values
  return { file, input, byCertificate: clientCaFile !== undefined, byWorkload: clientJwks !== undefined }
}

/** Makes the client of this process, which has the rules of the listener. */
export function ownClient ({ name, token }: ClientToken): ConfiguredClient {
  return { name, digest: digestOf(token), certificate: null, policy: null, expires: null }
}

/**
 * Makes the clients of a listener: those of the file of tokens and those of the list. An entry of the list without a
 * token adds its rules, certificate and end to the client of that name in the token file.
 * @param policy the rules of the listener
 * @param reports receive the problems and warnings: `own` puts the listener before each message, and messages with a
 *   file position, which need no such prefix, go to `report`
 * @returns undefined if clients need no name
 */
export function buildClients (
  { file, input, byCertificate, byWorkload }: ClientSources, policy: Policy,
  { report, own }: { report: SettingsReport, own: SettingsReport }
): readonly ConfiguredClient[] | undefined {
  if (file === undefined && input === undefined && !byCertificate && !byWorkload) return undefined
  const fromFile = file?.clients ?? []
  const fromList = input?.rows ?? []
  const problem = (row: ClientRow, text: string) => {
    const reporter = row.place === undefined ? own : report
    reporter.problem(messageAt(row.place, `${row.source}: ${text}`))
  }
  for (const rows of [fromFile, fromList]) findTwins(rows, problem)
  const rows = [...fromFile, ...fromList].filter(({ name }) => name !== '')
  const merged = mergeRows(fromFile, fromList.filter(({ name }) => name !== ''), problem)
  findSame(rows, problem)
  for (const row of merged) {
    checkRules(row, policy, problem)
    if (row.certificate !== null && !byCertificate) {
      problem(row, 'certificate: clients are not asked for certificates; give --client-ca-file')
    } else if (row.digest === null && row.certificate === null && !(byWorkload && isWorkloadName(row.name))) {
      problem(row, `nothing identifies the client ${row.name}; give it token-file, token-sha256 or certificate, ` +
        'or a line in the file of --client-token-file')
    }
  }
  warnOfShort('--client-token-file', fromFile, own)
  warnOfShort(input?.source ?? '', fromList, report)
  const effectfulReads = readEffectfulReads()
  return merged.map(row => Object.freeze({
    name: row.name,
    digest: row.digest,
    certificate: row.certificate,
    policy: policyOf(row, policy, effectfulReads),
    expires: row.expires
  }))
}

type Problem = (row: ClientRow, text: string) => void

/** Finds clients that are described twice in one place. */
function findTwins (rows: readonly ClientRow[], problem: Problem): void {
  for (const [i, row] of rows.entries()) {
    const first = rows.find(({ name }) => name === row.name && name !== '') as ClientRow
    if (rows.indexOf(first) < i && first !== undefined) {
      problem(row, `the client ${row.name} is in ${first.source} already; a client is described once`)
    }
  }
}

/** Finds tokens and certificates of two clients, who could not be told apart. */
function findSame (rows: readonly ClientRow[], problem: Problem): void {
  for (const [key, what] of [['digest', 'token'], ['certificate', 'certificate']] as const) {
    for (const [i, row] of rows.entries()) {
      const first = rows.slice(0, i).find(other => other[key] !== null && other[key] === row[key])
      if (first === undefined) continue
      problem(row, `has the same ${what} as ${first.source}, so ${first.name} and ${row.name} could not be told apart`)
    }
  }
}

/** Puts the fields of the list to the clients of the file that have the same name. */
function mergeRows (file: readonly ClientRow[], list: readonly ClientRow[], problem: Problem): ClientRow[] {
  const added = list.filter(({ name }) => !file.some(row => row.name === name))
  return [...file.map(row => {
    const other = list.find(({ name }) => name === row.name)
    if (other === undefined) return row
    const twice = [
      ...other.digest === null ? [] : ['a token'],
      ...hasRules(other) && hasRules(row) ? ['rules'] : [],
      ...other.expires !== null && row.expires !== null ? ['a date'] : []
    ]
    for (const what of twice) problem(other, `the client ${row.name} has ${what} in ${row.source} too; keep one`)
    const rules = hasRules(other) ? other : row
    const { readOnly, allow, deny } = rules
    const { certificate } = other
    return { ...row, certificate, readOnly, allow, deny, expires: other.expires ?? row.expires }
  }), ...added]
}

function hasRules ({ readOnly, allow, deny }: ClientRow): boolean {
  return readOnly || allow.length > 0 || deny.length > 0
}

/** Checks that each allow rule of a client allows something. */
function checkRules (row: ClientRow, policy: Policy, problem: Problem): void {
  for (const rule of row.allow) {
    if (row.readOnly && rule.methods?.some(method => method !== 'GET')) {
      problem(row, `read-only and allow ${JSON.stringify(rule.text)}: contradict each other; keep one`)
    } else if (!operationsOf(rule).some(known => canPass(policy, known))) {
      problem(row, `allow ${JSON.stringify(rule.text)} means only operations that the listener refuses; ` +
        'rules of a client narrow those of its listener')
    }
  }
}

function policyOf (row: ClientRow, { warnOnly }: Policy, effectfulReads: readonly SourcedRule[]): Policy | null {
  if (!hasRules(row)) return null
  const { name, readOnly } = row
  const sourced = (word: string, rules: ClientRow['allow']) => (
    rules.map(rule => ({ rule, source: `${word} ${JSON.stringify(rule.text)} of the client ${name}` }))
  )
  const [allow, deny] = [sourced('allow', row.allow), sourced('deny', row.deny)]
  const none = { credentialRules: [], openedOperations: [] }
  return new Policy({ ...none, readOnly, effectfulReads, deny, allow, warnOnly, client: name })
}

function warnOfShort (source: string, rows: readonly ClientRow[], report: SettingsReport): void {
  const names = rows.filter(({ isShort }) => isShort).map(({ name }) => name)
  if (names.length === 0) return
  const risk = `is shorter than ${MIN_TOKEN_LENGTH} characters and may be guessed`
  report.warn(`${source}: the token of ${names.join(', ')} ${risk}; maas-auth-proxy token NAME makes a better one`)
}
