import { quote } from './values.ts'

/** The values of an object in a configuration file by their keys: each is one value, a list or an object. */
export type Entries = Readonly<Record<string, unknown>>

/** Whether a value of a configuration file is an object. */
export function isObject (value: unknown): value is Entries {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The texts of a value, as flags would have them; null for a value that no flag can have. */
export function textsOf (value: unknown): readonly string[] | null {
  const values: unknown[] = Array.isArray(value) ? value : [value]
  return values.every(value => typeof value === 'string') ? values : null
}

/** A key as messages show it. */
export function quoteKey (key: string): string {
  return /^[\w-]+$/.test(key) ? key : quote(key)
}
