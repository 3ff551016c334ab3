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

t.test('json is one object a line, pretty is for people', async t => {
  const json = memory()
  createLogger('info', 'json', json.stream).info({ port: 1 }, 'listening')
  t.match(JSON.parse(json.text()), { level: 30, time: /^\d{4}-\d\d-\d\dT.*Z$/, port: 1, msg: 'listening' })
  const pretty = memory(true)
  createLogger('info', 'pretty', pretty.stream).info('listening')
  await new Promise(resolve => setImmediate(resolve))
  // eslint-disable-next-line no-control-regex -- colours are what is looked for
  t.match(pretty.text(), /\x1b\[.*INFO.*listening/)
  const quiet = memory()
  createLogger('error', 'json', quiet.stream).info('listening')
  t.equal(quiet.text(), '', 'below its level nothing is written')
})
