import { unwatchFile, watchFile } from 'node:fs'

/** How often files are looked at. A look, unlike a notice of the kernel's, sees the swapped links of Kubernetes and network file systems. */
const INTERVAL_MS = 1000

/** Looks after files. It keeps no process alive. */
export class FileWatch {
  /** what ends the watching of each file, and of nobody else's watcher of the same */
  readonly #ends: Array<() => void> = []

  /** Calls back whenever a file has changed. */
  add (file: string, onChange: () => void): void {
    watchFile(file, { interval: INTERVAL_MS, persistent: false }, onChange)
    this.#ends.push(() => { unwatchFile(file, onChange) })
  }

  close (): void {
    for (const end of this.#ends) end()
  }
}
