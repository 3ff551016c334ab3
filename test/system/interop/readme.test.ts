import t from 'tap'
import { parse } from 'yaml'
import { startStandIn, type StandInRecord } from '../../../src/demo/stand-in/index.ts'
import { runHere } from '../../helper/process.ts'
import { startTestProxy, testConfig } from '../../helper/proxy.ts'
import { BLOCKS, EXPECTED, runBlock } from './blocks.ts'
import { makeHome } from './child.ts'

/** Rules of another client, which only reads what MAAS serves to anyone. */
const OTHERS_RULES = ['GET version/']

t.jobs = 2 // starting some of the tools takes seconds

/** How many operations a block asks for at most. */
const MAX_OPERATIONS = 5

t.strictSame(BLOCKS.map(({ tool }) => tool), EXPECTED.map(({ tool }) => tool), 'every block of "Use it with" is known here')

for (const [index, block] of BLOCKS.entries()) {
  const { tool, language, code } = block
  const expected = EXPECTED[index] as typeof EXPECTED[number]
  if ('unpackaged' in expected) {
    t.match(code, expected.says, `${tool}: not packaged by Debian, so no more than read`)
    continue
  }
  t.test(`README: ${tool}, ${language}`, { skip: expected.missing, buffered: true }, async t => {
    const home = makeHome(t)
    const recording = `${home}/work.json`
    /** Runs the block with a MAAS and a proxy of its own. */
    const runWith = async (settings: Parameters<typeof testConfig>[1]) => {
      const records: StandInRecord[] = []
      const maas = await startStandIn({ onRequest: record => { records.push(record) } })
      const { consumer, token, secret } = maas.admin
      const proxy = await startTestProxy(t, testConfig(maas.url, settings, `${consumer}:${token}:${secret}`))
      const said = await runBlock(t, home, block, proxy.port)
      await proxy.stop()
      await maas.close()
      return { said, records, log: proxy.log }
    }
    const { said, records } = await runWith({ learn: [recording] })
    t.match(said, expected.prints)
    t.ok(records.some(({ user }) => user === 'admin'), 'signed by the proxy')
    t.strictSame(records.filter(({ status }) => status >= 400), [], 'and nothing is refused')

    const { allow } = parse((await runHere(['policy', 'learn', recording])).stdout) as { allow: string[] }
    t.match((await runWith({ allow })).said, expected.prints, 'it works under the rules that were learned from it')
    let rules = OTHERS_RULES
    let last: string | null = null
    for (let round = 0; round <= MAX_OPERATIONS && !expected.prints.test(last ?? ''); round++) {
      const { said, log } = await runWith({ allow: rules })
      last = said
      const missing = log.flatMap(({ msg, missingRule }) => (
        msg === 'request' && typeof missingRule === 'string' ? [missingRule] : []
      ))
      rules = [...new Set([...rules, ...missing])]
    }
    t.match(last, expected.prints, 'and under the rules of another with those that the refusals name')
    t.strictSame(rules.filter(rule => !OTHERS_RULES.includes(rule)).sort(), allow.filter(rule => !OTHERS_RULES.includes(rule)), 'which are the same')
  })
}
