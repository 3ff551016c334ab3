import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Environment } from '../../environment.ts'
import { isReadableByAll, quote, readSettingBytes } from '../values.ts'

/** A profile as the `maas` CLI keeps it, not yet looked into. */
export interface StoredProfile {
  name: string
  /** JSON with the key in it; null if there is none, which the table allows */
  data: string | null
  /** the file it is in */
  path: string
  /** whether every user of this machine may read that file; the CLI makes it for its user alone */
  readableByAll: boolean
}

/**
 * Where the CLI keeps its profiles: in `~/.maascli.db` (`maascli/config.py`), and for the snap, whose HOME is
 * `SNAP_USER_DATA`, in the same file below `~/snap/maas/current`.
 */
const PLACES = ['.maascli.db', 'snap/maas/current/.maascli.db']

/** The files that may hold profiles, in the order they are looked at. @throws Error if HOME is not set */
export function storePaths ({ HOME: home }: Environment): string[] {
  if (!home) throw new Error('HOME is not set, so it is not known where the profiles of the maas CLI are; set it to the home directory of their user')
  return PLACES.map(place => join(home, place))
}

/**
 * Reads the profiles of one file; there are none where there is no file, or no table in it. The file is read into memory and
 * opened there, so that the CLI never meets a lock of ours, and nothing is written beside it.
 * @throws Error that names the file if it cannot be read, is no such database, or is being written
 */
export async function readStore (path: string): Promise<StoredProfile[]> {
  if (!existsSync(path)) return []
  const bytes = readSettled(path)
  const readableByAll = isReadableByAll(path)
  const rows = await queryProfiles(bytes, path)
  return rows.map(([name, data]) => ({ name, data, path, readableByAll }))
}

/**
 * Without a lock the file may be half written, and a key of one login could stand beside the URL of another: so a file that
 * changes, or has the journal that SQLite keeps from the first change to the commit (and after a crash), is not read.
 */
function readSettled (path: string): Uint8Array {
  const bytes = readSettingBytes(path)
  if (existsSync(`${path}-journal`) || !bytes.equals(readSettingBytes(path))) {
    throw new Error(`${quote(path)}: a maas command is writing it, or was stopped while it did; when none is running, maas list makes it whole`)
  }
  return new Uint8Array(bytes)
}

type Row = [name: string, data: string | null]

async function queryProfiles (bytes: Uint8Array, path: string): Promise<Row[]> {
  // Over a megabyte of code and some 20 MB of memory, which only those who name a profile need to spend.
  const { default: initialize } = await import('@sqlite.org/sqlite-wasm')
  const { capi, oo1, wasm } = await initialize()
  const database = new oo1.DB(':memory:')
  try {
    database.checkRc(capi.sqlite3_deserialize(database, 'main', wasm.allocFromTypedArray(bytes), bytes.length, bytes.length, capi.SQLITE_DESERIALIZE_FREEONCLOSE | capi.SQLITE_DESERIALIZE_READONLY))
    const rows: Row[] = []
    // Not the comfortable `database.exec`, which writes its troubles to the console.
    const result = capi.sqlite3_exec(database, 'SELECT name, data FROM profiles ORDER BY name', row => rows.push(row as Row) && 0, 0, 0)
    const message = capi.sqlite3_errmsg(database)
    if (result !== capi.SQLITE_OK && message !== 'no such table: profiles') throw new Error(`${quote(path)}: not the profiles of the maas CLI (${message})`)
    return rows
  } finally {
    database.close()
  }
}
