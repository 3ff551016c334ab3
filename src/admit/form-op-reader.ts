/** The op of a form, null if it has none; or the fact that two parsers could disagree on it. */
export type FormOp = { isCertain: true, op: string | null } | { isCertain: false }

/** The result for a form that two parsers could read in two ways. */
export const UNCERTAIN: FormOp = { isCertain: false }

/** Reads a form part by part, in constant memory, and finds the op that MAAS will take from it: the last one. */
export interface FormOpReader {
  write (chunk: Buffer): void
  /** Returns the op, after the last part. */
  end (): FormOp
}

/** Maximum length of an op, in encoded characters. No operation of MAAS has so long a name. */
export const MAX_OP_LENGTH = 1000
