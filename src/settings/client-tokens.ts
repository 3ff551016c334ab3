import { isReadableByAll, quote, readSettingFile } from './values.ts'

/** A client, and the token it is known by. */
export interface ClientToken {
  name: string
  token: string
}

/** A file of client tokens, and what was in it when it was read. */
export interface ClientTokenFile {
  file: string
  clients: readonly ClientToken[]
}

/**
 * Reads a file of client tokens: `NAME TOKEN` a line; empty lines and those that start with `#` are skipped.
 * @throws Error that names the line and never repeats a token
 */
export function readClientTokens (path: string): ClientTokenFile {
  const lines = readSettingFile(path).split('\n')
  if (isReadableByAll(path)) throw new Error(`${quote(path)}: every user of this machine may read it; chmod 600 it`)
  const clients = lines.flatMap((line, i) => {
    const text = line.trim()
    if (text === '' || text.startsWith('#')) return []
    const [name = '', token, ...more] = text.split(/\s+/)
    if (token === undefined || more.length > 0 || !/^[\w.@-]+$/.test(name) || !/^[\x21-\x7e]+$/.test(token)) throw new Error(`${quote(path)}: line ${i + 1} is not NAME TOKEN`)
    return [{ name, token }]
  })
  if (clients.length === 0) throw new Error(`${quote(path)}: has no client; write a line NAME TOKEN for each, openssl rand -hex 24 makes a token`)
  if (new Set(clients.map(client => client.token)).size < clients.length) throw new Error(`${quote(path)}: two lines have the same token, so clients could not be told apart`)
  return { file: path, clients }
}
