import { parse } from 'dotenv'
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, type Stats } from 'node:fs'
import type { Environment } from '../environment.ts'
import type { SettingsReport } from './report.ts'
import { quote, readFailure, readSettingFile } from './values.ts'

/** The file that is read if the user names none. It is found in the working directory, which may be anybody's. */
export const FOUND_ENV_FILE = '.env'

/** The bits of a mode that let others than the owner write. */
const WRITABLE_BY_OTHERS = 0o022

/**
 * Reads a file with variables that the user named.
 * @param source the setting that names it
 * @param report receives a problem if it cannot be read
 */
export function readNamedEnvFile (path: string, source: string, report: SettingsReport): Environment {
  try {
    return parse(readSettingFile(path))
  } catch (error) {
    report.problem(`${source}: ${(error as Error).message}`)
    report.excuse('envFile')
    return {}
  }
}

/**
 * Reads the file in the working directory, if there is one.
 * @param report receives a problem if it cannot be read, or may be the work of another user
 */
export function readFoundEnvFile (report: SettingsReport): Environment {
  const link = lstatSync(FOUND_ENV_FILE, { throwIfNoEntry: false })
  if (link === undefined) return {}
  const problem = (text: string) => {
    report.problem(`${FOUND_ENV_FILE}: ${quote(FOUND_ENV_FILE)}: ${text}`)
    report.excuse('envFile')
  }
  let file: number | undefined
  try {
    file = openSync(FOUND_ENV_FILE, constants.O_RDONLY | constants.O_NONBLOCK) // a FIFO would wait for a writer
    const doubt = doubtOf(link, fstatSync(file), process.getuid?.())
    if (doubt === null) return parse(readFileSync(file))
    problem(doubt)
  } catch (error) {
    problem(readFailure(error as NodeJS.ErrnoException))
  } finally {
    if (file !== undefined) closeSync(file)
  }
  return {}
}

type FileFacts = Pick<Stats, 'isDirectory' | 'isFile' | 'mode' | 'uid'>

/**
 * Finds a reason not to read a file that the user did not name.
 * @param link the file itself, which may be a link
 * @param file the file that a link leads to
 * @param user the id of this user; undefined on systems without such ids
 * @returns null if there is none
 */
export function doubtOf (link: Pick<Stats, 'uid'>, file: FileFacts, user: number | undefined): string | null {
  const remedy = `name it with --env-file ${FOUND_ENV_FILE} if you trust it, or start elsewhere`
  if (file.isDirectory()) return 'it is a directory'
  if (!file.isFile()) return `it is not a regular file; ${remedy}`
  if (user === undefined) return null
  if ([link, file].some(({ uid }) => uid !== user && uid !== 0)) return `it belongs to another user; ${remedy}`
  return (file.mode & WRITABLE_BY_OTHERS) === 0 ? null : `other users may write it; chmod 600 it, or ${remedy}`
}
