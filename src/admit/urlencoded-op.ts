import { decode } from '../maas/query.ts'
import { type FormOp, type FormOpReader, MAX_OP_LENGTH, UNCERTAIN } from './form-op-reader.ts'

const AMPERSAND = 0x26
const EQUALS = 0x3d

/** What has been read of a pair. The letters of the name may be percent-encoded: `%6Fp`. */
const START = 0
const NAME = { percent: 1, percent6: 2, o: 3, oPercent: 4, oPercent7: 5, op: 6 } as const
const VALUE = 7
/** the pair has another name */
const OTHER = 8

/** The states that a byte of a name leads to, by state and byte. Any other byte leads to OTHER. */
const NEXT = new Uint8Array(NAME.op * 256).fill(OTHER)
for (const [from, bytes, to] of [
  [START, 'o', NAME.o], [START, '%', NAME.percent], [NAME.percent, '6', NAME.percent6], [NAME.percent6, 'fF', NAME.o],
  [NAME.o, 'p', NAME.op], [NAME.o, '%', NAME.oPercent], [NAME.oPercent, '7', NAME.oPercent7],
  [NAME.oPercent7, '0', NAME.op]
] as const) for (const byte of Buffer.from(bytes)) NEXT[from * 256 + byte] = to

/** Short values are passed byte by byte, as a call of `indexOf` takes as long as a few dozen of them. */
const NEAR = 24

/**
 * Finds the last `op` of an urlencoded form, as Django does (see `maas/query.ts`). It compares bytes and decodes no
 * other value, because a form can be large.
 */
export class UrlencodedOp implements FormOpReader {
  #state = START
  /** the value of the last op, undecoded; null if there was none so far */
  #op: string | null = null
  /** the part of the current op that came in earlier chunks */
  #begun = ''

  write (chunk: Buffer): void {
    const { length } = chunk
    let state = this.#state
    let from = 0 // where the current value begins, if it is that of an op
    let isContinued = state === VALUE
    let [foundFrom, foundTo, isFoundContinued] = [-1, -1, false] // the last op that ends in this chunk
    for (let i = 0; i < length; i++) {
      if (state >= VALUE) {
        const near = i + NEAR < length ? i + NEAR : length
        while (i < near && chunk[i] !== AMPERSAND) i++
        if (i === near) i = near === length ? -1 : chunk.indexOf(AMPERSAND, near)
        if (i < 0) break
      }
      const byte = chunk[i] as number
      if (byte === AMPERSAND) {
        if (state === VALUE || state === NAME.op) {
          foundFrom = state === VALUE ? from : i
          foundTo = i
          isFoundContinued = isContinued
        }
        isContinued = false
        state = START
      } else if (state === NAME.op) {
        from = i + 1
        state = byte === EQUALS ? VALUE : OTHER
      } else {
        state = NEXT[state * 256 + byte] as number
      }
    }
    if (foundTo >= 0) this.#op = (isFoundContinued ? this.#begun : '') + slice(chunk, foundFrom, foundTo)
    if (state === VALUE) this.#begun = cut((isContinued ? this.#begun : '') + slice(chunk, from, length))
    this.#state = state
  }

  end (): FormOp {
    if (this.#state === VALUE) this.#op = this.#begun
    else if (this.#state === NAME.op) this.#op = ''
    if (this.#op === null) return { isCertain: true, op: null }
    return this.#op.length > MAX_OP_LENGTH ? UNCERTAIN : { isCertain: true, op: decode(this.#op) }
  }
}

/** Keeps at most one character more than the limit, which shows that the value is too long. */
function slice (chunk: Buffer, from: number, to: number): string {
  return chunk.toString('latin1', from, Math.min(to, from + MAX_OP_LENGTH + 1))
}

function cut (value: string): string {
  return value.slice(0, MAX_OP_LENGTH + 1)
}
