/** A source of numbers that is the same for the same seed (mulberry32). */
export function seededRandom (seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6D2B79F5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** The ways in which an answer says where its body ends. */
const FRAMINGS = ['length', 'chunked', 'close'] as const

/** How often an answer is large, and how large. Linux takes some 4 MB for a client of loopback that does not read. */
const LARGE_SHARE = 0.015
const LARGE_BYTES = [2_000_000, 10_000_000] as const

const CHUNK_BYTES = 65_536

/** An answer of a MAAS that is not well, and what a client may take for its body. */
export interface OddAnswer {
  /** tells it apart from others: its body begins with it, and the field X-Answer has it */
  id: string
  /** the pieces as they are written, one after the other */
  pieces: string[]
  /** how the connection goes on: kept, ended in order, or reset */
  end: 'keep' | 'close' | 'reset'
  /** what its body would be; nothing else may reach a client as a whole answer */
  body: string
  /** whether it is of the size of the sockets' buffers, or larger */
  isLarge: boolean
  /** whether the body ends with the connection, so that a client cannot see that it was cut off in order */
  endsWithConnection: boolean
  /** in words, to find it again */
  name: string
}

/** What is wrong with an answer: changes its bytes. */
const FAULTS: ReadonlyArray<readonly [name: string, change: (text: string, random: () => number) => string]> = [
  ['nothing', text => text],
  ['nothing', text => text],
  ['cut off anywhere', (text, random) => text.slice(0, Math.floor(random() * text.length))],
  ['extra bytes behind', text => `${text}extra`],
  ['an interim answer before', text => `HTTP/1.1 102 Processing\r\n\r\n${text}`],
  ['early hints before', text => `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${text}`],
  ['100 Continue before', text => `HTTP/1.1 100 Continue\r\n\r\n${text}`],
  ['a protocol switched', () => 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nx'],
  ['two lengths', text => text.replace('\r\n', '\r\nContent-Length: 3\r\n')],
  ['a length that is none', text => text.replace(/Content-Length: \d+/, 'Content-Length: -1')],
  ['a bare line feed', text => text.replace('\r\n', '\n')],
  ['a head of 40 KB', text => text.replace('\r\n', `\r\nX-Long: ${'x'.repeat(40_000)}\r\n`)],
  ['a long chunk extension', text => text.replace(/\r\n\r\n([0-9a-f]+)\r\n/, `\r\n\r\n$1;${'e'.repeat(20_000)}\r\n`)],
  ['noise', (_text, random) => Array.from({ length: 50 }, () => String.fromCharCode(Math.floor(random() * 256))).join('')],
  ['nothing at all', () => ''],
  ['a status that is none', text => text.replace(' 200 ', ' 2x0 ')]
]

/**
 * Makes an answer out of all that can be odd: version, framing, size, a fault, the pieces, and how the connection goes
 * on.
 */
export function oddAnswer (random: () => number, id: string): OddAnswer {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T
  const version = pick(['1.1', '1.1', '1.0'])
  const framing = pick(FRAMINGS)
  const [least, most] = LARGE_BYTES
  const isLarge = random() < LARGE_SHARE
  const sizes = isLarge ? [least + Math.floor(random() * (most - least))] : [0, 1, 8, 1000, 70_000]
  const body = bodyOf(id, pick(sizes))
  const [fault, change] = pick(FAULTS)
  const connection = pick(['', 'Connection: close\r\n', 'Connection: keep-alive\r\n'])
  const isChunked = framing === 'chunked' && version === '1.1'
  const frame = isChunked ? 'Transfer-Encoding: chunked\r\n' : framing === 'length' ? `Content-Length: ${body.length}\r\n` : ''
  const whole = `HTTP/${version} 200 OK\r\n${frame}X-Answer: ${id}\r\n${connection}\r\n${isChunked ? inChunks(body) : body}`
  const text = change(whole, random)
  const endsWithConnection = frame === ''
  const end = endsWithConnection ? pick(['close', 'reset'] as const) : pick(['keep', 'close', 'reset'] as const)
  const cuts = Array.from({ length: Math.floor(random() * 4) }, () => Math.floor(random() * text.length))
    .sort((a, b) => a - b)
  const pieces = [...cuts, text.length].map((cut, i) => text.slice(cuts[i - 1] ?? 0, cut)).filter(piece => piece !== '')
  const name = `HTTP/${version}, ${framing}, ${body.length} bytes, ${fault}, ${connection.trim()}, ${end}`
  return { id, pieces, end, body, isLarge, endsWithConnection, name }
}

/** Text of at least so many bytes that begins with an id; none for no bytes. */
function bodyOf (id: string, bytes: number): string {
  return bytes === 0 ? '' : `${id} ${'z'.repeat(bytes)}`
}

function inChunks (body: string): string {
  let text = ''
  for (let at = 0; at < body.length; at += CHUNK_BYTES) {
    const chunk = body.slice(at, at + CHUNK_BYTES)
    text += `${chunk.length.toString(16)}\r\n${chunk}\r\n`
  }
  return `${text}0\r\n\r\n`
}
