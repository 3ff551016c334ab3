import type { Writable } from 'node:stream'
import { WriteStream } from 'node:tty'
import { styleText } from 'node:util'
import type { Environment } from '../environment.ts'

/** A style of `util.styleText`. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** Gives a text a style, or returns it unchanged where there are no colours. */
export type Paint = (style: Style, text: string) => string

/** The paint for output without colours. */
export const noPaint: Paint = (_style, text) => text

/**
 * Chooses the paint for a stream: colours on a terminal that has them. Node knows the variables that decide:
 * `NO_COLOR`, `FORCE_COLOR`, which means any stream, and `TERM`.
 */
export function paintFor (stream: Writable, env: Environment): Paint {
  const isColored = isTerminal(stream) || env['FORCE_COLOR'] !== undefined
  if (!isColored || WriteStream.prototype.getColorDepth(env) === 1) return noPaint
  return (style, text) => styleText(style, text, { validateStream: false })
}

/** Whether a stream is a terminal. */
export function isTerminal (stream: Writable): boolean {
  return 'isTTY' in stream && stream.isTTY === true
}

/** The number of columns of a terminal; Infinity for any other stream, and for a terminal that does not say it. */
export function columnsOf (stream: Writable): number {
  return isTerminal(stream) && 'columns' in stream ? Number(stream.columns) || Infinity : Infinity
}

/** Shortens a text to a number of characters, at least 1, by an ellipsis in its middle. */
export function cutMiddle (text: string, length: number): string {
  if (text.length <= length) return text
  const kept = length - 1
  const end = Math.floor(kept / 2)
  return `${text.slice(0, kept - end)}…${text.slice(text.length - end)}`
}
