import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { isRecording, parseRecording } from '../../../observe/recording/recording-format.ts'
import { Recording } from '../../../observe/recording/recording.ts'
import { SettingsError } from '../../../settings/settings-error.ts'
import { quote, readFailure } from '../../../settings/values.ts'
import { readRequestRecord } from './request-record.ts'

const STDIN = 0

/**
 * Reads files of `--learn` and logs in JSON, whichever each is, into one recording.
 * @param paths `-` for stdin
 * @param task the words of the command, for messages
 * @throws SettingsError that names a file that cannot be read, or has no request
 */
export async function readRecordings (paths: readonly string[], task: string): Promise<Recording> {
  const recording = new Recording()
  for (const path of paths) {
    try {
      recording.merge(await readFile(path))
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      const problem = code === undefined ? message : readFailure(error as NodeJS.ErrnoException)
      throw new SettingsError([`${task}: ${quote(path)}: ${problem}`])
    }
  }
  return recording
}

async function readFile (path: string): Promise<Recording> {
  const input = path === '-' ? createReadStream('', { fd: STDIN }) : createReadStream(path)
  const failed = new Promise<never>((_resolve, reject) => { input.once('error', reject) })
  return await Promise.race([failed, readLines(input)])
}

/** Reads a log line by line, since it may be long, and a recording as a whole. */
async function readLines (input: NodeJS.ReadableStream): Promise<Recording> {
  const recording = new Recording()
  const whole: string[] = []
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    if (whole.length > 0 || isRecording(line)) whole.push(line)
    else {
      const facts = readRequestRecord(line)
      if (facts !== null) recording.add(facts)
    }
  }
  if (whole.length > 0) return parseRecording(whole.join('\n'))
  if (!recording.isEmpty) return recording
  throw new Error('has no record of a request; it takes a file of --learn, or the log of --log-format json')
}
