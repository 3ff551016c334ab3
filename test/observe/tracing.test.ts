import t from 'tap'
import { createServer } from 'node:http'
import { startTracing, wantsTracing } from '../../src/observe/traces/tracing.ts'
import { asksToServe } from '../../src/cli/flags.ts'
import { ask } from '../helper/maas-client.ts'
import { type Program, startProgram } from '../helper/process.ts'
import { KEY } from '../helper/proxy.ts'
import { exchange, get, headLines, keptUpstream, listenOn, rawUpstream } from '../helper/sockets.ts'
import { until } from '../helper/until.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'
const API_KEY = Object.values(KEY).join(':')

/** A span as it is sent in JSON (opentelemetry-proto, trace.proto). */
interface SentSpan {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  attributes: Array<{ key: string, value: { stringValue?: string, intValue?: number } }>
}

/** A collector that takes whatever comes. */
async function startCollector (t: Parameters<typeof listenOn>[0]) {
  const bodies: string[] = []
  const types = new Set<string | undefined>()
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('latin1').on('data', chunk => { body += chunk }).on('end', () => {
      bodies.push(body)
      types.add(`${request.url} ${request.headers['content-type']}`)
      response.setHeader('Content-Type', 'application/json').end('{}')
    })
  })
  const port = await listenOn(t, server)
  const spans = () => bodies.flatMap(body => JSON.parse(body).resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ spans }) => spans as SentSpan[])
  return { url: `http://127.0.0.1:${port}`, bodies, types, spans }
}

async function portOf (program: Program): Promise<number> {
  await program.printed('listening')
  return Number(/127\.0\.0\.1:(\d+)","upstream/.exec(program.stdout())?.[1])
}

const attributesOf = ({ attributes }: SentSpan) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]))

t.test('OpenTelemetry gets a span for the request and one for each time that it goes to MAAS, and nothing of what they say', async t => {
  const stale = `Authorization Error: 'Expired timestamp: given 1 and now ${Math.floor(Date.now() / 1000)}, has a greater difference than threshold 300'`
  let asked = 0
  // One connection for all, so that what is sent again follows another request on it.
  const upstream = await keptUpstream(t, (socket, head) => {
    const refused = head.startsWith('GET /MAAS/api/2.0/tags/') && asked++ === 0
    const [status, body] = refused ? ['401 Unauthorized', stale] : ['200 OK', 'ok']
    socket.write(`HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
  })
  const collector = await startCollector(t)
  const program = startProgram(t, ['--listen', '127.0.0.1:0'], {
    MAAS_URL: `http://127.0.0.1:${upstream.port}/MAAS`,
    MAAS_API_KEY: API_KEY,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_SERVICE_NAME: 'sidecar',
    OTEL_RESOURCE_ATTRIBUTES: 'team=metal'
  })
  const port = await portOf(program)
  const fields = [`traceparent: 00-${TRACE}-${PARENT}-01`, 'tracestate: a=1', 'baggage: who=HIDDEN', 'MAAS-trace-id: mine', 'User-Agent: HIDDEN', 'Authorization: HIDDEN', 'X-Forwarded-For: HIDDEN', 'Cookie: HIDDEN']
  await exchange(port, get('/MAAS/api/2.0/machines/HIDDEN/?op=details&oauth=HIDDEN', ...fields))
  await exchange(port, get('/MAAS/api/2.0/tags/HIDDEN/?op=HIDDEN'))
  await exchange(port, get('/HIDDEN/%zz?HIDDEN'))
  await exchange(port, get('/-/live'))
  await ask(port, { path: '/MAAS/api/2.0/version/', headers: [['traceparent', 'HIDDEN']] })
  program.child.kill('SIGTERM')
  t.equal(await program.ended, 0, program.stderr())

  const spans = collector.spans()
  const [server, ...others] = spans.filter(({ traceId, kind }) => traceId === TRACE && kind === 2)
  const [client, ...more] = spans.filter(({ traceId, kind }) => traceId === TRACE && kind === 3)
  t.strictSame([others, more], [[], []])
  t.match(server, { name: 'GET machines/{system_id}/', parentSpanId: PARENT })
  t.match(client, { name: 'GET machines/{system_id}/', parentSpanId: server?.spanId ?? '' })
  t.match(attributesOf(client as SentSpan), { 'http.route': 'machines/{system_id}/', 'maas.op': 'details', 'http.request.method': 'GET', 'http.response.status_code': 200 })
  const received = headLines(upstream.requests.find(head => head.startsWith('GET /MAAS/api/2.0/machines/')) ?? '')
  t.strictSame(received.filter(line => /^(trace|bagg|maas-trace)/i.test(line)), ['MAAS-trace-id: mine', `traceparent: 00-${TRACE}-${client?.spanId}-01`, 'tracestate: a=1', 'baggage: who=HIDDEN'], 'one traceparent, which leads to our span')

  const twice = spans.filter(({ name, kind }) => name === 'GET tags/{name}/' && kind === 3)
  t.equal(twice.length, 2, 'sent twice')
  const [origin] = spans.filter(({ name, kind }) => name === 'GET tags/{name}/' && kind === 2)
  for (const { traceId, parentSpanId } of twice) t.match({ traceId, parentSpanId }, { traceId: origin?.traceId, parentSpanId: origin?.spanId }, 'both by the same request')
  t.equal(spans.filter(({ kind }) => kind === 2).length, 4, 'the pages for whoever watches have none')
  t.equal(spans.filter(({ kind, parentSpanId }) => kind === 3 && (parentSpanId ?? '') === '').length, 0, "nor have the proxy's own questions")
  const log = program.stdout().split('\n').filter(line => line.includes('"request"')).map(line => JSON.parse(line))
  t.match(log.map(({ traceId }) => traceId), [TRACE, origin?.traceId, /^[0-9a-f]{32}$/, undefined, /^[0-9a-f]{32}$/], 'the log names the trace, whoever began it')

  const sent = collector.bodies.join('\n')
  t.strictSame([...collector.types], ['/v1/traces application/json'])
  t.match(sent, /"service.name","value":\{"stringValue":"sidecar"/)
  t.match(sent, /"team","value":\{"stringValue":"metal"/)
  t.notMatch(sent, /HIDDEN/)
  for (const part of Object.values(KEY)) t.notMatch(sent, part)
})

t.test('a request that waited for its turn is still in its own trace', async t => {
  const collector = await startCollector(t)
  const held = Promise.withResolvers<void>()
  const upstream = await keptUpstream(t, async socket => {
    await held.promise
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  })
  const env = { MAAS_URL: `http://127.0.0.1:${upstream.port}/MAAS`, MAAS_API_KEY: API_KEY, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }
  const program = startProgram(t, ['--listen', '127.0.0.1:0', '--max-maas-requests', '1'], env)
  const port = await portOf(program)
  const traces = ['a', 'b', 'c'].map(digit => digit.repeat(32))
  const answers = traces.map(trace => exchange(port, get(`/MAAS/api/2.0/machines/${trace}/`, `traceparent: 00-${trace}-${PARENT}-01`)))
  await until('two wait', async () => /\{state="waiting"\} 2$/m.test(await exchange(port, get('/-/metrics'))))
  held.resolve()
  for (const answer of await Promise.all(answers)) t.match(answer, /^HTTP\/1.1 200 /)
  for (const trace of traces) {
    const [head = ''] = upstream.requests.filter(head => head.includes(`machines/${trace}/`))
    t.match(head, `traceparent: 00-${trace}-`, 'not in that of the request before it')
  }
})

t.test('protobuf is the default, as OpenTelemetry has it, and a collector that takes nothing holds nothing up', async t => {
  const upstream = await rawUpstream(t)
  const collector = await startCollector(t)
  const program = startProgram(t, ['--listen', '127.0.0.1:0'], { MAAS_URL: upstream.url, MAAS_API_KEY: API_KEY, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/v1/traces` })
  await exchange(await portOf(program), get('/MAAS/api/2.0/machines/?HIDDEN'))
  program.child.kill('SIGTERM')
  t.equal(await program.ended, 0)
  t.strictSame([...collector.types], ['/v1/traces application/x-protobuf'])
  t.match(collector.bodies.join(), /machines\//)
  t.notMatch(collector.bodies.join(), /HIDDEN|Marked/)

  const refusing = await rawUpstream(t, socket => socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 6\r\n\r\nHIDDEN'))
  const refused = startProgram(t, ['--listen', '127.0.0.1:0'], { MAAS_URL: upstream.url, MAAS_API_KEY: API_KEY, OTEL_EXPORTER_OTLP_ENDPOINT: refusing.url, OTEL_BSP_SCHEDULE_DELAY: '1' })
  const port = await portOf(refused)
  // They are sent one after the other: when the third comes, the second has failed.
  await until('traces are sent a third time', async () => {
    t.match(await exchange(port, get('/MAAS/api/2.0/machines/')), /^HTTP\/1.1 200 /)
    return refusing.sockets.length >= 3
  })
  refused.child.kill('SIGTERM')
  t.equal(await refused.ended, 0)
  t.equal(refused.stderr(), 'maas-auth-proxy: warning: traces cannot be sent: Bad Request, code 400\n', 'told of once')
})

t.test('the standard variables of OpenTelemetry are followed', async t => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x' }
  const rows: Array<[environment: Record<string, string>, wanted: boolean, reason: string]> = [
    [{}, false, 'nothing'],
    [endpoint, true, 'an endpoint'],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://x' }, true, 'one for traces'],
    [{ OTEL_TRACES_EXPORTER: 'otlp' }, true, 'the usual endpoint'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, false, 'empty is not set'],
    [{ ...endpoint, OTEL_TRACES_EXPORTER: 'none' }, false, 'other things, but no traces'],
    [{ ...endpoint, OTEL_SDK_DISABLED: 'True' }, false, 'switched off'],
    [{ ...endpoint, OTEL_SDK_DISABLED: 'yes' }, true, 'only true is true'],
    [{ OTEL_SERVICE_NAME: 'x' }, false, 'a name alone']
  ]
  for (const [environment, wanted, reason] of rows) t.equal(wantsTracing(environment), wanted, reason)

  const refused: Array<[environment: Record<string, string>, warning: RegExp]> = [
    [{ OTEL_TRACES_EXPORTER: 'zipkin' }, /OTEL_TRACES_EXPORTER: is zipkin.*no traces/],
    [{ ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, /PROTOCOL: is grpc, and only http\/protobuf and http\/json/],
    [{ ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc' }, /is grpc/]
  ]
  for (const [environment, warning] of refused) {
    const warnings: string[] = []
    t.equal(await startTracing(environment, text => warnings.push(text)), null)
    t.match(warnings, [warning])
  }

  const lines: Array<[argv: string[], wanted: boolean]> = [[[], true], [['serve'], true], [['--listen', '1'], true], [['ready'], false], [['demo'], false], [['--help'], false], [['--version'], false], [['--nonsense'], false]]
  for (const [argv, wanted] of lines) t.equal(asksToServe(argv), wanted, argv.join(' '))
})
