import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { FastifyBaseLogger } from 'fastify'
import type { Observer } from '../exchange/plugin.ts'
import { recorder } from '../observe/recording/recorder.ts'
import { formatRecording, parseRecording } from '../observe/recording/recording-format.ts'
import { Recording } from '../observe/recording/recording.ts'
import { SettingsError } from '../settings/settings-error.ts'
import { quote } from '../settings/values.ts'
import { lockFile } from './recording-lock.ts'

/** How old the file may be at most while requests come. A killed process loses what is newer. */
const SAVE_INTERVAL_MS = 1000

/** The file is for its owner alone: it says who asks for what. */
const MODE = 0o600

/** A file that records which operations are asked for. */
class RecordingFile {
  readonly #path: string
  readonly #unlock: () => void
  readonly #logger: FastifyBaseLogger
  readonly #recording = new Recording()
  #timer: NodeJS.Timeout | undefined
  #saving = Promise.resolve()
  #closing: Promise<void> | undefined
  #hasFailed = false

  constructor (path: string, unlock: () => void, logger: FastifyBaseLogger) {
    this.#path = path
    this.#unlock = unlock
    this.#logger = logger
  }

  /** Reads what is recorded, and writes it again, which shows whether that is possible. @throws Error */
  async begin (): Promise<void> {
    if (existsSync(this.#path)) this.#recording.merge(parseRecording(readFileSync(this.#path, 'utf8')))
    await this.#write()
  }

  /** Creates the observer of a listener. @param listener its address, as it is configured */
  observer (listener: string): Observer {
    return recorder(listener, facts => {
      this.#recording.add(facts)
      this.#timer ??= setTimeout(() => { this.#save() }, SAVE_INTERVAL_MS).unref()
    })
  }

  /** Writes the rest, and unlocks the file. */
  async close (): Promise<void> {
    this.#closing ??= this.#end()
    await this.#closing
  }

  async #end (): Promise<void> {
    this.#save()
    await this.#saving
    clearTimeout(this.#timer)
    this.#unlock()
  }

  /** Writes the file after the write that runs. What fails is tried again, since the disk may have room then. */
  #save (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const file = this.#path
    this.#saving = this.#saving.then(async () => { await this.#write() }).then(() => {
      if (this.#hasFailed) this.#logger.info({ file }, 'the recording is written again')
      this.#hasFailed = false
    }, (error: Error) => {
      if (!this.#hasFailed) this.#logger.warn({ file, reason: error.message }, 'the recording cannot be written')
      this.#hasFailed = true
      this.#timer ??= setTimeout(() => { this.#save() }, SAVE_INTERVAL_MS).unref()
    })
  }

  /** Replaces the file as a whole, so that no reader ever sees a part of it. */
  async #write (): Promise<void> {
    const temporary = `${this.#path}.tmp`
    await rm(temporary, { force: true }) // of a process that was killed
    try {
      await writeFile(temporary, formatRecording(this.#recording), { mode: MODE, flag: 'wx', flush: true })
      await rename(temporary, this.#path)
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
  }
}

export type { RecordingFile }

/**
 * Opens the file of `--learn`. A recording that is there goes on.
 * @throws SettingsError if it is no recording, cannot be written, or another process records in it
 */
export async function openRecording (path: string, logger: FastifyBaseLogger): Promise<RecordingFile> {
  let unlock = () => {}
  try {
    const target = targetOf(path)
    unlock = await lockFile(target)
    const file = new RecordingFile(target, unlock, logger)
    await file.begin()
    return file
  } catch (error) {
    unlock()
    const { code, message } = error as NodeJS.ErrnoException
    throw new SettingsError([`--learn: ${quote(path)}: ${WRITE_FAILURES[String(code)] ?? message}`])
  }
}

/** The reasons of errors of the system, by their codes. */
const WRITE_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: 'its directory does not exist; make it',
  EACCES: 'this user may not write in its directory, where the file is replaced as a whole',
  EROFS: 'its file system is read-only',
  ENOSPC: 'its disk is full'
}

/** The file itself, where the path is a link. @throws Error if it is something else than a file */
function targetOf (path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) {
    const directory = realpathSync(dirname(path))
    if (!statSync(directory).isDirectory()) throw new Error('its directory is a file; name another one')
    return join(directory, basename(path))
  }
  if (!stats.isFile()) throw new Error('is not a file; name another one')
  return realpathSync(path)
}
