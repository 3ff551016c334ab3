import type { Paint } from '../../../text/terminal.ts'

/** The result of one step. */
export interface Step {
  name: keyof typeof EXIT_CODES
  ok: boolean
  /** the result in one line */
  detail: string
  /** what to do; null if nothing */
  remedy: string | null
}

/** The exit codes of failed steps, by the name of the step. */
export const EXIT_CODES = { name: 10, tcp: 11, tls: 12, version: 13, user: 14, clock: 15, latency: 16 } as const

const NAME_WIDTH = Math.max(...Object.keys(EXIT_CODES).map(name => name.length))

/** A step as text: a line, and below it what to do. */
export function formatStep ({ name, ok, detail, remedy }: Step, paint: Paint): string {
  const word = ok ? paint('green', 'ok  ') : paint('red', 'FAIL')
  const line = `${word}  ${name.padEnd(NAME_WIDTH)}  ${detail}\n`
  return remedy === null ? line : `${line}      ${' '.repeat(NAME_WIDTH)}  ${paint('cyan', 'hint')}: ${remedy}\n`
}

/** Makes a step that passed. */
export function passed (name: Step['name'], detail: string, remedy: string | null = null): Step {
  return { name, ok: true, detail, remedy }
}

/** Makes a step that failed. */
export function failed (name: Step['name'], detail: string, remedy: string): Step {
  return { name, ok: false, detail, remedy }
}
