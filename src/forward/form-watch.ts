import type { IncomingMessage } from 'node:http'
import { formOpReader } from '../admit/form-op.ts'
import type { FormOpReader } from '../admit/form-op-reader.ts'
import type { Admitted } from '../admit/admitted.ts'
import { PEEK_BYTES } from '../admit/peek.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { findOperation } from '../maas/operations.ts'

/**
 * Reads the op of a form that streams by, for observers. Admission reads a form only if a decision depends on it; what
 * is observed must not depend on that. It holds no byte back and refuses nothing.
 */
export class FormWatch {
  readonly #admitted: Admitted
  readonly #exchange: Exchange
  readonly #reader: FormOpReader | null
  #size = 0

  constructor ({ headers }: IncomingMessage, admitted: Admitted, exchange: Exchange) {
    const { form } = admitted
    const isTooLarge = Number(headers['content-length'] ?? 0) > PEEK_BYTES
    this.#admitted = admitted
    this.#exchange = exchange
    this.#reader = form === null || isTooLarge ? null : formOpReader(form, headers['content-type'] as string)
    if (form === null) return
    if (isTooLarge) exchange.opUnknown = TOO_LARGE
    else if (this.#reader === null) exchange.opUnknown = AMBIGUOUS
  }

  /** Reads the next part of the form, up to {@link PEEK_BYTES}. */
  write (chunk: Buffer): void {
    if (this.#reader === null) return
    this.#size += chunk.length
    if (this.#size > PEEK_BYTES) this.#exchange.opUnknown = TOO_LARGE
    else this.#reader.write(chunk)
  }

  /** Notes the operation, after the last part. */
  end (): void {
    if (this.#reader === null || this.#size > PEEK_BYTES) return
    const { operation: { method }, target: { path, query } } = this.#admitted
    const found = this.#reader.end()
    this.#exchange.opUnknown = found.isCertain ? null : AMBIGUOUS
    if (found.isCertain) this.#exchange.operation = findOperation(method, path, query, found.op)
  }
}

const TOO_LARGE = `its form has more than ${PEEK_BYTES / 1024 / 1024} MiB`
const AMBIGUOUS = 'its form can be read in two ways'
