// A client's connection: sends bytes as they are, and reads answers strictly.
import { once } from 'node:events'
import { connect } from 'node:net'

const STATUS_LINE = /^HTTP\/1\.1 (\d{3}) [^\r\n]*$/
const BODILESS = new Set([204, 304])
const EMPTY = Buffer.alloc(0)

export class Connection {
  #socket
  #chunks
  #rest = EMPTY
  /** how it ended: `closed`, or the code of an error; null while it has not */
  ending = null
  /** milliseconds to rest before each read of a slow reader */
  restMs = 0

  /** @param address as `net.connect` has it: `{ port, host }` or `{ path }` */
  constructor (address) {
    this.address = address
    this.#socket = connect({ ...address, allowHalfOpen: true, noDelay: true })
    this.#socket.on('error', error => { this.ending ??= error.code })
    this.#chunks = this.#socket.iterator({ destroyOnReturn: false })
  }

  get isOpen () { return this.ending === null && !this.#socket.destroyed && this.#socket.writable }

  /** Bytes that came without having been asked for. */
  get stray () { return this.#rest.length + this.#socket.readableLength }

  async opened () {
    if (this.#socket.connecting) await once(this.#socket, 'connect')
  }

  /** @returns when the system has taken the bytes, or nobody will */
  async send (bytes) {
    if (!this.isOpen) return
    await new Promise(resolve => {
      this.#socket.once('close', resolve)
      this.#socket.write(bytes, () => {
        this.#socket.off('close', resolve)
        resolve()
      })
    })
  }

  halfClose () { this.#socket.end() }

  abort () {
    this.ending ??= 'aborted'
    if (this.address.path === undefined) this.#socket.resetAndDestroy()
    else this.#socket.destroy()
  }

  close () {
    this.ending ??= 'closed by the client'
    this.#socket.destroy()
  }

  /**
   * Reads one answer.
   * @param method of its request
   * @returns `{ status, headers, body, isWhole }`; null if the connection ended before its first byte
   * @throws Error if what comes is no answer
   */
  async answer (method) {
    let head
    do {
      head = await this.#head()
      if (head === null) return null
      if (head === undefined) return { status: null, headers: {}, body: EMPTY, isWhole: false }
    } while (head.status === 100)
    const { status, headers } = head
    if (method === 'HEAD' || BODILESS.has(status)) return { status, headers, body: EMPTY, isWhole: true }
    const [body, isWhole] = headers['transfer-encoding'] === 'chunked'
      ? await this.#chunked()
      : headers['content-length'] !== undefined ? await this.#counted(Number(headers['content-length'])) : await this.#untilEnd()
    if (headers.connection === 'close' && isWhole) this.close()
    return { status, headers, body, isWhole }
  }

  /** @returns undefined for a part of one, null for none */
  async #head () {
    let end
    while ((end = this.#rest.indexOf('\r\n\r\n')) < 0) if (!await this.#more()) return this.#rest.length === 0 ? null : undefined
    const [first, ...lines] = this.#take(end + 4).toString('latin1').trimEnd().split('\r\n')
    const [, status] = STATUS_LINE.exec(first) ?? []
    if (status === undefined) throw new Error(`no status line: ${JSON.stringify(first.slice(0, 100))}`)
    return { status: Number(status), headers: Object.fromEntries(lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()])) }
  }

  async #counted (length) {
    const parts = []
    let missing = length
    while (missing > 0) {
      if (this.#rest.length === 0 && !await this.#more()) return [Buffer.concat(parts), false]
      const part = this.#take(Math.min(missing, this.#rest.length))
      parts.push(part)
      missing -= part.length
    }
    return [Buffer.concat(parts), true]
  }

  async #chunked () {
    const parts = []
    for (;;) {
      let end
      while ((end = this.#rest.indexOf('\r\n')) < 0) if (!await this.#more()) return [Buffer.concat(parts), false]
      const line = this.#take(end + 2).toString('latin1').trimEnd()
      if (!/^[0-9a-f]+$/i.test(line)) throw new Error(`no size of a chunk: ${JSON.stringify(line.slice(0, 100))}`)
      const size = parseInt(line, 16)
      const [part, isWhole] = await this.#counted(size + 2)
      if (!isWhole) return [Buffer.concat([...parts, part.subarray(0, size)]), false]
      if (part.length === 2) return [Buffer.concat(parts), true]
      parts.push(part.subarray(0, -2))
    }
  }

  /** A body that ends with the connection is whole if that was closed in order (HTTP/1.0). */
  async #untilEnd () {
    while (await this.#more());
    return [this.#take(this.#rest.length), this.ending === 'closed']
  }

  #take (count) {
    const taken = this.#rest.subarray(0, count)
    this.#rest = this.#rest.subarray(count)
    return taken
  }

  async #more () {
    if (this.restMs > 0) await new Promise(resolve => { setTimeout(resolve, this.restMs) })
    try {
      const { value, done } = await this.#chunks.next()
      if (!done) this.#rest = this.#rest.length === 0 ? value : Buffer.concat([this.#rest, value])
      else this.ending ??= await this.#howEnded()
      if (done) this.#socket.destroy()
      return !done
    } catch (error) {
      this.ending ??= error.code
      return false
    }
  }

  /**
   * libuv takes a reset that comes together with the last bytes for an orderly end; the system still knows when it is
   * asked to write.
   */
  async #howEnded () {
    if (this.address.path !== undefined || !this.#socket.writable) return 'closed'
    return await new Promise(resolve => { this.#socket.write(' ', error => { resolve(error?.code ?? 'closed') }) })
  }
}
