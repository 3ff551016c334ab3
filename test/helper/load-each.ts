import { createHook } from 'node:async_hooks'
import { isDeepStrictEqual } from 'node:util'

// A program: imports each file of its command line and prints, as JSON, what loading it did beyond that, by file. It is
// to run under `--permission`, where node itself refuses to write files and to start processes.

/**
 * Handles, timers and requests, by what node calls them (`async_hooks`); promises and reads of files are part of
 * loading.
 */
const DEEDS = /WRAP$|^(?:Timeout|Immediate|STATWATCHER|WORKER|MESSAGEPORT|HTTP)/

const found: Record<string, string[]> = {}
let loading = ''

const note = (deed: string) => { (found[loading] ??= []).push(deed) }

/** What of the process a file could change when it is loaded. */
const state = () => ({
  listeners: process.eventNames().map(name => [name, process.listenerCount(name)]),
  globals: Object.getOwnPropertyNames(globalThis),
  environment: { ...process.env },
  exitCode: process.exitCode,
  directory: process.cwd()
})

process.on('exit', () => {
  const text = JSON.stringify(found) // before stdout is opened, which is a handle too
  process.stdout.write(text)
})
createHook({ init (_id, type) { if (DEEDS.test(type)) note(type) } }).enable()
for (loading of process.argv.slice(2)) {
  const before = state()
  await import(loading)
  const after = state()
  for (const name of Object.keys(before) as Array<keyof typeof before>) {
    if (!isDeepStrictEqual(before[name], after[name])) note(name)
  }
}
loading = 'after all were loaded'
