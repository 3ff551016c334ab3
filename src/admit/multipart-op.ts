import { type FormOp, type FormOpReader, MAX_OP_LENGTH, UNCERTAIN } from './form-op-reader.ts'

/**
 * A name that no parser strips, unescapes or decodes. File names are ASCII, because Django drops a field that it cannot
 * decode.
 */
const PLAIN_PART = /^form-data; name="([\w.[\]-]+)"(; filename="[\x20-\x21\x23-\x5b\x5d-\x7e]*")?$/i

/** The whole head of most parts. */
const USUAL_HEAD = /^\r\nContent-Disposition: form-data; name="([\w.[\]-]+)"$/

/**
 * Maximum length of a part's head. Django ignores a part whose head, with the blank line, is larger than 1,024 bytes.
 * This limit is lower, which is safe: a form with a longer head counts as uncertain.
 */
const MAX_PART_HEAD = 1000

const HEAD_END = '\r\n\r\n'

/** What the reader expects next; `failed` if two parsers could read the form in two ways. */
type State = 'delimiter' | 'head' | 'value' | 'end' | 'failed'

/**
 * Finds the last `op` of a multipart form that is written as common clients write it (RFC 7578). Django splits at the
 * delimiter anywhere, even inside a line (`multipartparser.py BoundaryIter`), so a delimiter that is not at the start
 * of a line makes the form uncertain.
 */
export class MultipartOp implements FormOpReader {
  readonly #delimiter: string
  #state: State = 'delimiter'
  /** text that has not been read: a delimiter or a head may continue in the next chunk */
  #text = ''
  #op: string | null = null
  /** the value of the current part, if it is an op */
  #value: string | null = null

  constructor (boundary: string) {
    this.#delimiter = `--${boundary}`
  }

  write (chunk: Buffer): void {
    this.#text += chunk.toString('latin1')
    while (this.#step());
  }

  end (): FormOp {
    return this.#state === 'end' && /^(?:\r\n)?$/.test(this.#text) ? { isCertain: true, op: this.#op } : UNCERTAIN
  }

  /** Reads the next piece of the text. @returns false if it needs more, or if nothing can follow */
  #step (): boolean {
    switch (this.#state) {
      case 'delimiter': return this.#readDelimiter()
      case 'head': return this.#readHead()
      case 'value': return this.#readValue()
      case 'end': return this.#text.length > 2 && this.#fail() // after the last delimiter comes one line end at most
      case 'failed': return this.#fail()
    }
  }

  /** Reads the first delimiter. Nothing may precede it. */
  #readDelimiter (): boolean {
    if (this.#text.length < this.#delimiter.length) return false
    return this.#text.startsWith(this.#delimiter) ? this.#go('head', this.#delimiter.length) : this.#fail()
  }

  #readHead (): boolean {
    if (this.#text.startsWith('--')) return this.#go('end', 2)
    const end = this.#text.indexOf(HEAD_END)
    if (end < 0) return this.#text.length > MAX_PART_HEAD + HEAD_END.length && this.#fail()
    const head = this.#text.slice(0, end)
    const field = end > MAX_PART_HEAD || head.includes(this.#delimiter) ? null : readPartHead(head)
    // Django decodes the value of an encoded part, and ignores a file.
    if (field === null || (field.name === 'op' && !field.isPlain)) return this.#fail()
    this.#value = field.name === 'op' ? '' : null
    return this.#go('value', end + HEAD_END.length)
  }

  /** Reads a value, up to the next delimiter. */
  #readValue (): boolean {
    const at = this.#text.indexOf(this.#delimiter)
    const end = at < 0 ? this.#text.length - this.#delimiter.length - 1 : at - 2 // without the line end
    if (this.#value !== null && end > 0) this.#value += this.#text.slice(0, Math.min(end, MAX_OP_LENGTH + 1))
    if ((this.#value?.length ?? 0) > MAX_OP_LENGTH) return this.#fail()
    if (at < 0) {
      if (end > 0) this.#text = this.#text.slice(end)
      return false
    }
    if (end < 0 || !this.#text.startsWith('\r\n', end)) return this.#fail()
    if (this.#value !== null) this.#op = this.#value
    return this.#go('head', at + this.#delimiter.length)
  }

  #go (state: State, length: number): true {
    this.#state = state
    this.#text = this.#text.slice(length)
    return true
  }

  #fail (): false {
    this.#state = 'failed'
    this.#text = ''
    return false
  }
}

/** The head of a part. */
interface Field {
  name: string
  /** whether it is neither a file nor has a Content-Transfer-Encoding */
  isPlain: boolean
}

/** Reads the head of a part, without the blank line; null if two parsers could read it differently. */
function readPartHead (head: string): Field | null {
  const [, usualName] = USUAL_HEAD.exec(head) ?? []
  if (usualName !== undefined) return { name: usualName, isPlain: true }
  if (!head.startsWith('\r\n')) return null
  const lines = head.slice(2).split('\r\n')
  if (!lines.every(line => /^[A-Za-z-]+: [\x20-\x7e]*$/.test(line))) return null
  const valuesOf = (field: string) => lines
    .filter(line => line.toLowerCase().startsWith(`${field}: `))
    .map(line => line.slice(field.length + 2))
  const dispositions = valuesOf('content-disposition')
  const [, name, fileName] = PLAIN_PART.exec(dispositions.join()) ?? []
  if (name === undefined || dispositions.length > 1) return null
  return { name, isPlain: fileName === undefined && valuesOf('content-transfer-encoding').length === 0 }
}
