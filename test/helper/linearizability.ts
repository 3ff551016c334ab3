/** One finished request to a resource whose version every write raises by one. */
export interface Operation {
  kind: 'read' | 'write'
  /** the version that a read got, or that a write made */
  version: number
  /** when the client sent it and when the client had the answer, on one clock of steps */
  began: number
  ended: number
}

/**
 * Finds what no order of the operations explains, in which each has its effect at one moment between its beginning and
 * its end. Versions give the order of the writes, so it is enough to compare each operation with the newest version
 * that was known to anybody when it began.
 * @returns a line for each operation that contradicts an earlier one
 */
export function contradictions (history: readonly Operation[]): string[] {
  const byBegin = history.toSorted((a, b) => a.began - b.began)
  const byEnd = history.toSorted((a, b) => a.ended - b.ended)
  const found: string[] = []
  let known: Operation | undefined
  let next = 0
  for (const operation of byBegin) {
    for (let ended = byEnd[next]; ended !== undefined && ended.ended < operation.began; ended = byEnd[++next]) {
      if (known === undefined || ended.version > known.version) known = ended
    }
    if (known === undefined) continue
    const isOld = operation.kind === 'read' ? operation.version < known.version : operation.version <= known.version
    if (isOld) found.push(`${text(operation)} after ${text(known)}`)
  }
  const written = new Map(history.filter(({ kind }) => kind === 'write').map(write => [write.version, write]))
  for (const read of history.filter(({ kind }) => kind === 'read')) {
    const write = written.get(read.version)
    if (write !== undefined && read.ended < write.began) found.push(`${text(read)} before ${text(write)}`)
  }
  return found
}

function text ({ kind, version, began, ended }: Operation): string {
  return `${kind} of version ${version} from ${began} to ${ended}`
}
