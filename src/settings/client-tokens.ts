import { isReadableByAll, isWritableByOthers, quote, readSettingFile } from './values.ts'

/** A client and its token. */
export interface ClientToken {
  name: string
  token: string
}

/** The content of a file of client tokens. */
export interface ClientTokenFile {
  file: string
  clients: readonly ClientToken[]
}

/**
 * Reads a file of client tokens, one `NAME TOKEN` a line. Empty lines and lines that start with `#` are skipped.
 * @throws Error that names the line and never repeats a token
 */
export function readClientTokens (path: string): ClientTokenFile {
  const lines = readSettingFile(path).split('\n')
  if (isReadableByAll(path)) throw new Error(`${quote(path)}: every user of this machine may read it; chmod 600 it`)
  if (isWritableByOthers(path)) {
    throw new Error(`${quote(path)}: other users may write it, and add themselves; chmod 600 it`)
  }
  const clients = lines.flatMap((line, i) => {
    const text = line.trim()
    if (text === '' || text.startsWith('#')) return []
    const client = parseLine(text)
    if (client === null) throw new Error(`${quote(path)}: line ${i + 1} is not NAME TOKEN`)
    return [client]
  })
  if (clients.length === 0) {
    const remedy = 'write a line NAME TOKEN for each, openssl rand -hex 24 makes a token'
    throw new Error(`${quote(path)}: has no client; ${remedy}`)
  }
  if (new Set(clients.map(client => client.token)).size < clients.length) {
    throw new Error(`${quote(path)}: two lines have the same token, so clients could not be told apart`)
  }
  return { file: path, clients }
}

function parseLine (text: string): ClientToken | null {
  const [name = '', token = '', ...others] = text.split(/\s+/)
  if (others.length > 0 || !/^[\w.@-]+$/.test(name) || !/^[\x21-\x7e]+$/.test(token)) return null
  return { name, token }
}
