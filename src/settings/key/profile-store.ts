import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Environment } from '../../environment.ts'
import { isReadableByAll, quote, readSettingBytes } from '../values.ts'

/** A profile as the `maas` CLI stores it, before its data is parsed. */
export interface StoredProfile {
  name: string
  /** JSON with the key; the table allows null */
  data: string | null
  /** the file of the profile */
  path: string
  /** whether every user of this machine may read that file; the CLI creates it for its user alone */
  readableByAll: boolean
}

/**
 * The files of profiles below the home directory: `.maascli.db` (`maascli/config.py`), and the same file of the snap,
 * which runs with `SNAP_USER_DATA` as its HOME.
 */
const STORES = ['.maascli.db', 'snap/maas/current/.maascli.db']

/** The paths of the files that may have profiles, in the order of search. @throws Error if HOME is not set */
export function storePaths ({ HOME: home }: Environment): string[] {
  if (!home) {
    throw new Error('HOME is not set, but has the profiles of the maas CLI; set it to the home directory of their user')
  }
  return STORES.map(store => join(home, store))
}

/**
 * Reads the profiles of one file. SQLite opens a copy in memory, so that it neither locks the file for the CLI nor
 * writes beside it.
 * @returns an empty list if there is no file, or no table in it
 * @throws Error that names the file if it cannot be read, is not such a database, or is being written
 */
export async function readStore (path: string): Promise<StoredProfile[]> {
  if (!existsSync(path)) return []
  const bytes = readStableBytes(path)
  const readableByAll = isReadableByAll(path)
  const rows = await queryProfiles(bytes, path)
  return rows.map(([name, data]) => ({ name, data, path, readableByAll }))
}

/**
 * Reads a file that nobody is writing. Without a lock the file may be half written, with the key of one login beside
 * the URL of another. SQLite has a journal from the first change to the commit, and after a crash.
 * @throws Error if the file changes or has a journal
 */
function readStableBytes (path: string): Uint8Array {
  const bytes = readSettingBytes(path)
  if (existsSync(`${path}-journal`) || !bytes.equals(readSettingBytes(path))) {
    const remedy = 'when none is running, maas list makes it whole'
    throw new Error(`${quote(path)}: a maas command is writing it, or was stopped while it did; ${remedy}`)
  }
  return new Uint8Array(bytes)
}

type Row = [name: string, data: string | null]

async function queryProfiles (bytes: Uint8Array, path: string): Promise<Row[]> {
  // Loaded here because it takes over 1 MB of code and about 20 MB of memory, and only a profile needs it.
  const { default: initialize } = await import('@sqlite.org/sqlite-wasm')
  const { capi, oo1, wasm } = await initialize()
  const database = new oo1.DB(':memory:')
  try {
    const flags = capi.SQLITE_DESERIALIZE_FREEONCLOSE | capi.SQLITE_DESERIALIZE_READONLY
    const copy = wasm.allocFromTypedArray(bytes)
    database.checkRc(capi.sqlite3_deserialize(database, 'main', copy, bytes.length, bytes.length, flags))
    const rows: Row[] = []
    // The simpler `database.exec` writes its errors to the console.
    const query = 'SELECT name, data FROM profiles ORDER BY name'
    const result = capi.sqlite3_exec(database, query, row => rows.push(row as Row) && 0, 0, 0)
    const message = capi.sqlite3_errmsg(database)
    if (result !== capi.SQLITE_OK && message !== 'no such table: profiles') {
      throw new Error(`${quote(path)}: not the profiles of the maas CLI (${message})`)
    }
    return rows
  } finally {
    database.close()
  }
}
