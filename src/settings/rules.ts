import { nearestRule, operationsOf } from '../policy/catalogue.ts'
import { parseRule, type Rule } from '../policy/rule.ts'
import { quote, readJsonFile } from './values.ts'

/** The rules of a policy file. */
export interface PolicyFile {
  allow: Rule[]
  deny: Rule[]
}

const KEYS = ['allow', 'deny'] as const

/** Parses a rule that means at least one operation of MAAS. @throws Error with the nearest rule that does */
export function parseKnownRule (text: string): Rule {
  let rule: Rule
  try {
    rule = parseRule(text)
  } catch (error) {
    const meant = ruleMeantBy(text)
    if (meant !== undefined) throw new Error(`${quote(text)} is not a rule; did you mean ${quote(meant)}?`)
    throw new Error(`${quote(text)}: ${(error as Error).message}`)
  }
  if (operationsOf(rule).length === 0) {
    const meant = ruleMeantBy(text) ?? nearestRule(text)
    throw new Error(`${quote(text)} means no operation of MAAS; did you mean ${quote(meant)}?`)
  }
  return rule
}

/** A rule with a method of MAAS in upper case, and without what stands before the path in a URL. */
const LIKE_A_RULE = /^(?:([A-Za-z]+) +)?(?:https?:\/\/[^/\s]+)?\/?(?:MAAS\/api\/2\.0\/)?(\S+)$/i

/** The methods that MAAS does not have, and those that do the same there. */
const SAME_METHODS: Readonly<Record<string, string>> = { HEAD: 'GET', PATCH: 'PUT' }

/** The rule that was meant by a text that is none; undefined if that cannot be seen. */
function ruleMeantBy (text: string): string | undefined {
  const [, word = 'GET', path = ''] = LIKE_A_RULE.exec(text.trim()) ?? []
  const method = word.toUpperCase()
  const rule = `${SAME_METHODS[method] ?? method} ${path}`
  try {
    return operationsOf(parseRule(rule)).length > 0 ? rule : undefined
  } catch {
    return undefined
  }
}

/** Reads a file `{"allow": [RULE, ...], "deny": [RULE, ...]}`. @throws Error that names the file and the place in it */
export function readPolicyFile (path: string): PolicyFile {
  const content = readJsonFile(path)
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new Error(`${quote(path)}: not an object with the keys ${KEYS.join(' and ')}`)
  }
  const unknown = Object.keys(content).find(key => !KEYS.some(known => known === key))
  if (unknown !== undefined) {
    throw new Error(`${quote(path)}: has an unknown key ${quote(unknown)}; the keys are ${KEYS.join(' and ')}`)
  }
  const { allow, deny } = content as Partial<Record<typeof KEYS[number], unknown>>
  return { allow: readRules(path, 'allow', allow), deny: readRules(path, 'deny', deny) }
}

function readRules (path: string, key: string, texts: unknown): Rule[] {
  if (texts === undefined) return []
  if (!Array.isArray(texts)) throw new Error(`${quote(path)}: ${key} is not a list of rules`)
  if (texts.length === 0) throw new Error(`${quote(path)}: ${key} is empty; give it a rule, or leave it out`)
  return texts.map((text: unknown, i) => {
    try {
      if (typeof text !== 'string') throw new Error('is not a text')
      return parseKnownRule(text)
    } catch (error) {
      throw new Error(`${quote(path)}: ${key}[${i}]: ${(error as Error).message}`)
    }
  })
}
