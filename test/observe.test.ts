import t from 'tap'
import { Writable } from 'node:stream'
import { createLogger, resolveLogFormat } from '../src/observe/logger.ts'

/** A stream that keeps what is written to it. */
function memory (isTTY?: boolean) {
  let text = ''
  const stream = new Writable({ write (chunk, _encoding, done) { text += chunk; done() } })
  return { stream: isTTY === undefined ? stream : Object.assign(stream, { isTTY }), text: () => text }
}

t.test('the format follows the stream unless one is chosen', async t => {
  t.equal(resolveLogFormat('auto', memory(true).stream), 'pretty', 'a terminal')
  t.equal(resolveLogFormat('auto', memory(false).stream), 'json', 'a stream that says that it is none')
  t.equal(resolveLogFormat('auto', memory().stream), 'json', 'a file or a pipe')
  t.equal(resolveLogFormat('json', memory(true).stream), 'json', 'chosen')
})

t.test('the lines of a turn of the event loop are one write', async t => {
  const writes: string[] = []
  const logger = createLogger('info', 'json', new Writable({ write (chunk, _encoding, done) { writes.push(String(chunk)); done() } }))
  logger.info('one')
  logger.info('two')
  await new Promise(resolve => setImmediate(resolve))
  logger.info('three')
  await new Promise(resolve => setImmediate(resolve))
  t.match(writes, [/one.*\n.*two.*\n$/, /three/])
})

t.test('json is one object a line, pretty is for people', async t => {
  const json = memory()
  const before = new Date().toISOString()
  const logger = createLogger('info', 'json', json.stream)
  logger.info({ port: 1 }, 'listening')
  t.equal(json.text(), '', 'nothing is written before the turn of the event loop is over')
  logger.flush()
  const { time } = JSON.parse(json.text())
  t.ok(before <= time && time <= new Date().toISOString(), 'the time is the time')
  t.match(JSON.parse(json.text()), { level: 30, time: /^\d{4}-\d\d-\d\dT.*Z$/, port: 1, msg: 'listening' })
  const pretty = memory(true)
  createLogger('info', 'pretty', pretty.stream).info('listening')
  await new Promise(resolve => setImmediate(resolve))
  // eslint-disable-next-line no-control-regex -- colours are what is looked for
  t.match(pretty.text(), /\x1b\[.*INFO.*listening/)
  const quiet = memory()
  const silent = createLogger('error', 'json', quiet.stream)
  silent.info('listening')
  silent.flush()
  t.equal(quiet.text(), '', 'below its level nothing is written')
})
