/** An answer that clients share, as long as some of them have not taken all of it. */
export interface SharedBacklog {
  /** bytes that are kept for the client that is farthest behind; the others need no further ones */
  readonly bytes: number
}

/** Room for three to five lists of 2,000 machines, in bytes. */
const MAX_BYTES = 64 * 1024 * 1024

/** The memory for clients that take an answer more slowly than others that share it. */
export class BacklogBudget {
  readonly #backlogs = new Set<SharedBacklog>()

  add (backlog: SharedBacklog): void {
    this.#backlogs.add(backlog)
  }

  delete (backlog: SharedBacklog): void {
    this.#backlogs.delete(backlog)
  }

  /** Whether all of it is used. */
  get isUsed (): boolean {
    let sum = 0
    for (const { bytes } of this.#backlogs) sum += bytes
    return sum > MAX_BYTES
  }
}
