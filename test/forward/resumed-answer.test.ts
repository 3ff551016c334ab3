import t from 'tap'
import type { Answer } from '../../src/forward/answer.ts'
import { DeliveredPart } from '../../src/forward/delivered-part.ts'
import { ResumedAnswer } from '../../src/forward/resumed-answer.ts'

const CHANGED = { code: 'MAAS_PROXY_SHARED_ANSWER_CHANGED' }
const HEAD = ['Content-Type', 'text/plain'].map(text => Buffer.from(text))

/** An answer of which the client has got `before`, and what is passed on to the client from then on. */
function resumed (before: string) {
  const delivered = DeliveredPart.ofHead(200, HEAD)
  delivered.add(Buffer.from(before))
  const passed: string[] = []
  const answer = {
    data (chunk: Buffer) { if (chunk.length > 0) passed.push(chunk.toString()); return true },
    end () { passed.push('the end') }
  }
  const again = new ResumedAnswer(answer as unknown as Answer, delivered)
  again.head(200, HEAD)
  return { again, passed }
}

t.test('the part that the client has is compared wherever the parts of the second answer end', async t => {
  const rows: ReadonlyArray<[parts: string[], passed: string[] | null, reason: string]> = [
    [['abcdef'], ['ef', 'the end'], 'in one part'],
    [['abcd', 'ef'], ['ef', 'the end'], 'a part that ends where the client is'],
    [['ab', 'cdef'], ['ef', 'the end'], 'one that goes beyond'],
    [['a', 'b', 'c', 'd', 'e', 'f'], ['e', 'f', 'the end'], 'byte by byte'],
    [['abcd'], ['the end'], 'the client had all'],
    [['abcX', 'ef'], null, 'a change in a part that ends where the client is'],
    [['abXd', 'ef'], null, 'in the middle of it'],
    [['Xb', 'cdef'], null, 'in the part before'],
    [['abcXef'], null, 'in the one that goes beyond'],
    [['abc'], null, 'a byte is missing at the end'],
    [[], null, 'all are missing']
  ]
  for (const [parts, wanted, reason] of rows) {
    const { again, passed } = resumed('abcd')
    const run = () => {
      for (const part of parts) t.equal(again.data(Buffer.from(part)), true)
      again.end()
    }
    if (wanted === null) {
      t.throws(run, CHANGED, reason)
      t.strictSame(passed, [], `${reason}: nothing is passed on`)
    } else {
      run()
      t.strictSame(passed, wanted, reason)
    }
  }
})
