/** A request in the queue. */
export interface QueueMember {
  /** called when the turn of a request that had to wait begins */
  onTurn (): void
  /** called when a request has waited too long; it has left the queue */
  onTurnMissed (): void
}

/** The limits of a queue. */
export interface QueueLimits {
  /** how many turns run at the same time: all connections, or at most a quarter of them */
  maxRunning: number
  /** the longest time that a request waits for its turn */
  timeoutMs: number
}

interface QueueOptions extends QueueLimits {
  /** how many connections there are: the maximum number of turns at the same time, and what the shares divide */
  connections: number
}

/** The queue share of a listener, or of one of its named clients. */
interface Share {
  /** the name of the client; null if this is the share of a listener */
  readonly name: string | null
  running: number
  readonly waiting: Turn[]
  /** the share of the whole listener; null if this is one */
  readonly listener: Share | null
}

/** The turn of one request, from its arrival in the queue on. */
export interface Turn {
  readonly share: Share
  readonly member: QueueMember
  /** the number of requests that had come before it */
  readonly order: number
  state: 'waiting' | 'running' | 'over'
  timer?: NodeJS.Timeout
}

/**
 * The queue in front of the connections to MAAS. Nobody can take all of them, whatever the requests are stuck in: a
 * listener gets another turn only while it has fewer turns than are still free, so one has half of them at most, the
 * next one half of the rest, and so on. The clients of a listener divide its share in the same way. If fewer
 * turns may run than there are connections, none of them stays unused while a request waits.
 */
export class RequestQueue {
  readonly #connections: number
  #maxRunning: number
  #timeoutMs: number
  /** the shares with waiting requests */
  readonly #waiting = new Set<Share>()
  #running = 0
  #arrivals = 0

  constructor ({ connections, maxRunning, timeoutMs }: QueueOptions) {
    this.#connections = connections
    this.#maxRunning = maxRunning
    this.#timeoutMs = timeoutMs
  }

  /** Replaces the limits. More turns begin at once; requests that wait keep the time that they had. */
  setLimits ({ maxRunning, timeoutMs }: QueueLimits): void {
    this.#maxRunning = maxRunning
    this.#timeoutMs = timeoutMs
    this.#callNext()
  }

  /** The number of requests that wait. */
  get waiting (): number {
    let count = 0
    for (const { waiting } of this.#waiting) count += waiting.length
    return count
  }

  /**
   * Adds a request. If its turn does not begin at once, the member is called back later, never by this call.
   * @returns the turn, which has to leave in the end
   */
  enter (share: Share, member: QueueMember): Turn {
    const turn: Turn = { share, member, order: this.#arrivals++, state: 'waiting' }
    if (share.waiting.length === 0 && this.#hasTurnFor(share)) {
      this.#begin(turn)
    } else {
      turn.timer = setTimeout(() => {
        this.leave(turn)
        member.onTurnMissed()
      }, this.#timeoutMs)
      share.waiting.push(turn)
      this.#waiting.add(share)
    }
    return turn
  }

  /** Removes a request, whether it waits or has its turn. A second call does nothing. */
  leave (turn: Turn): void {
    const { share, state } = turn
    turn.state = 'over'
    clearTimeout(turn.timer)
    if (state === 'waiting') {
      share.waiting.splice(share.waiting.indexOf(turn), 1)
      if (share.waiting.length === 0) this.#waiting.delete(share)
    } else if (state === 'running') {
      this.#count(share, -1)
      if (this.#waiting.size > 0) this.#callNext()
    }
  }

  /** Begins turns while there are some. The share with the fewest is next; of two, the one that has waited longer. */
  #callNext (): void {
    for (;;) {
      const [next] = [...this.#waiting].sort((a, b) => load(a) - load(b) || oldest(a) - oldest(b))
      if (next === undefined || !this.#hasTurnFor(next)) return
      const turn = next.waiting.shift() as Turn
      if (next.waiting.length === 0) this.#waiting.delete(next)
      clearTimeout(turn.timer)
      this.#begin(turn)
      turn.member.onTurn()
    }
  }

  #hasTurnFor (share: Share): boolean {
    return this.#running < this.#maxRunning && load(share) < this.#connections - this.#running
  }

  #begin (turn: Turn): void {
    turn.state = 'running'
    this.#count(turn.share, 1)
  }

  #count (share: Share, change: 1 | -1): void {
    this.#running += change
    share.running += change
    if (share.listener !== null) share.listener.running += change
  }
}

/** How many turns count against a share: its own, and those of its listener. */
function load ({ running, listener }: Share): number {
  return running + (listener?.running ?? 0)
}

/** The order of the oldest request that waits. */
function oldest ({ waiting: [first] }: Share): number {
  return (first as Turn).order
}

/** The place of one listener in the queue. */
export class Lane {
  readonly #queue: RequestQueue
  readonly #share: Share = { name: null, running: 0, waiting: [], listener: null }
  /** the shares of clients that have requests here: names of a host's users may be any number */
  readonly #clients = new Map<string, Share>()

  constructor (queue: RequestQueue) {
    this.#queue = queue
  }

  /**
   * Adds a request; see {@link RequestQueue.enter}.
   * @param client the name of the client; null if it has none
   */
  enter (client: string | null, member: QueueMember): Turn {
    return this.#queue.enter(client === null ? this.#share : this.#shareOf(client), member)
  }

  /** The number of named clients that have requests here. */
  get clients (): number { return this.#clients.size }

  /** See {@link RequestQueue.leave}. */
  leave (turn: Turn): void {
    this.#queue.leave(turn)
    const { share } = turn
    if (share.name === null || share.running > 0 || share.waiting.length > 0) return
    if (this.#clients.get(share.name) === share) this.#clients.delete(share.name)
  }

  #shareOf (client: string): Share {
    const known = this.#clients.get(client)
    if (known !== undefined) return known
    const share = { name: client, running: 0, waiting: [], listener: this.#share }
    this.#clients.set(client, share)
    return share
  }
}
