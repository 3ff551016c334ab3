import sqlite from '@sqlite.org/sqlite-wasm'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

export const SECRET = 'S3cretS3cretS3cretS3cretS3cret32'
export const [CONSUMER, TOKEN] = ['CoNsUmErCoNsUmEr12', 'tOkEntOkEntOkEn123']
export const CREDENTIALS = [CONSUMER, TOKEN, SECRET]
export const URL = 'http://maas.example:5240/MAAS/api/2.0/'
export const OWN = '.maascli.db'
export const SNAP = 'snap/maas/4711/.maascli.db'
export const TABLE = 'CREATE TABLE profiles (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, data BLOB)'

/** What a login stores; the description of the API is by far the most of it, and takes many pages. */
export function login (changes: object = {}): string {
  return JSON.stringify({ credentials: CREDENTIALS, description: { doc: 'x'.repeat(300_000) }, name: '', url: URL, cacerts: null, ...changes })
}

const { capi, oo1 } = await sqlite()

/** Makes a file of SQLite as SQLite does, with the mode the CLI gives it. @returns its path */
export async function makeStore (home: string, place: string, profiles: Record<string, string | null> | null, { mode = 0o600, sql = '' } = {}): Promise<string> {
  const database = new oo1.DB(':memory:')
  if (sql !== '') database.exec(sql)
  if (profiles !== null) database.exec(TABLE)
  for (const [name, data] of Object.entries(profiles ?? {})) database.exec({ sql: 'INSERT INTO profiles (name, data) VALUES (?, ?)', bind: [name, data] })
  const path = resolve(home, place)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, capi.sqlite3_js_db_export(database))
  chmodSync(path, mode)
  database.close()
  if (place === SNAP) symlinkSync('4711', resolve(home, 'snap/maas/current'))
  return path
}
