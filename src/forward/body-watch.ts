/** Watches a client's body, and notices a client that sends nothing although it is waited for. */
export class BodyWatch {
  readonly #timer: NodeJS.Timeout
  #isAwaited = false

  /**
   * @param timeoutMs how long a client may send nothing
   * @param onSilence called once, if that happens
   */
  constructor (timeoutMs: number, onSilence: () => void) {
    this.#timer = setTimeout(() => {
      if (this.#isAwaited) onSilence()
    }, timeoutMs)
  }

  /** Begins a wait for the client. The time in which MAAS does not take more of a body is no wait for the client. */
  begin (): void {
    this.#isAwaited = true
    this.#timer.refresh()
  }

  /** Ends a wait. */
  end (): void {
    this.#isAwaited = false
  }

  /** Ends the watch. */
  stop (): void {
    clearTimeout(this.#timer)
  }
}
