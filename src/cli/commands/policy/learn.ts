import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Policy } from '../../../policy/policy.ts'
import { SettingsError } from '../../../settings/settings-error.ts'
import { quote, readFailure } from '../../../settings/values.ts'
import { LearnedRules } from './learned-rules.ts'
import { readRequestRecord } from './request-record.ts'

const STDIN = 0

/**
 * Learns rules from the log of a proxy.
 * @param path the log in JSON; `-` for stdin
 * @param policies of today's listeners
 * @returns the rules for a configuration file
 * @throws SettingsError if the file cannot be read, or has no record of a request
 */
export async function learnRules (path: string, policies: readonly Policy[]): Promise<string> {
  const rules = new LearnedRules(policies)
  const input = path === '-' ? createReadStream('', { fd: STDIN }) : createReadStream(path)
  const failed = new Promise<never>((_resolve, reject) => {
    input.once('error', error => { reject(new SettingsError([`policy learn: ${quote(path)}: ${readFailure(error)}`])) })
  })
  await Promise.race([failed, readAll(input, rules)])
  if (rules.isEmpty) {
    throw new SettingsError([
      `policy learn: ${quote(path)}: has no record of a request; it takes the log of the proxy, of --log-format json`
    ])
  }
  return rules.toYaml()
}

async function readAll (input: NodeJS.ReadableStream, rules: LearnedRules): Promise<void> {
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    const record = readRequestRecord(line)
    if (record !== null) rules.add(record)
  }
}
