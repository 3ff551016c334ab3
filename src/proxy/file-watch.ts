import { unwatchFile, watchFile } from 'node:fs'

/**
 * The interval of polling. Polling notices the symbolic links that Kubernetes replaces, and changes on network file
 * systems; the kernel's notifications do not.
 */
const INTERVAL_MS = 1000

/** A set of watched files. It does not keep the process alive. */
export class FileWatch {
  /** one callback a file; each removes only the listener of this set */
  readonly #unwatch: Array<() => void> = []

  /**
   * Watches a file.
   * @param onChange called after every change
   */
  add (file: string, onChange: () => void): void {
    watchFile(file, { interval: INTERVAL_MS, persistent: false }, onChange)
    this.#unwatch.push(() => { unwatchFile(file, onChange) })
  }

  /** Stops watching all files of the set. */
  close (): void {
    for (const unwatch of this.#unwatch) unwatch()
  }
}
