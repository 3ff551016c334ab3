import type { OddAnswer } from './odd-answers.ts'

/** What came of an answer: all of it, an error of the proxy in its place, or a part or nothing, and visibly so. */
export type Outcome = 'whole' | 'error' | 'cut'

/**
 * Compares what came on a connection that is over with what MAAS said to its requests.
 * @returns the outcome of each answer in their order, or what is not true, in words
 */
export function judge (text: string, answers: ReadonlyArray<Pick<OddAnswer, 'id' | 'body' | 'endsWithConnection'>>): Outcome[] | string {
  const outcomes: Outcome[] = []
  let rest = text
  let isLast = false
  for (const [i, { id, body: wanted, endsWithConnection }] of answers.entries()) {
    const at = isLast ? -1 : rest.indexOf('\r\n\r\n')
    if (at < 0) {
      if (rest !== '' && (isLast || !rest.startsWith('HTTP/1.1 '))) return `answer ${i}: bytes behind the last one`
      isLast = true
      rest = ''
      outcomes.push('cut')
      continue
    }
    const head = rest.slice(0, at)
    const { body, isWhole, behind } = take(head, rest.slice(at + 4))
    rest = behind
    // After a cut, and after an answer that closes the connection, nothing comes (RFC 9112 §9.6).
    isLast = !isWhole || /^connection: close$/im.test(head)
    const isError = /^maas-proxy-error: /im.test(head)
    const [, mark = id] = /^x-answer: (.*)$/im.exec(head) ?? []
    if (mark !== id) return `answer ${i} is that of ${mark}`
    if (isError && isWhole && JSON.parse(body).error.code === undefined) return `answer ${i}: an error without a code`
    if (isError) outcomes.push(isWhole ? 'error' : 'cut')
    else if (isWhole && body === wanted) outcomes.push('whole')
    else {
      // Where the body ends with the connection to MAAS, nobody can see that it is cut in order, nor what does not
      // belong to it. libuv reports a reset as such an end too if it arrives together with the last bytes.
      const isPart = (endsWithConnection ? `${wanted}extra` : wanted).startsWith(body)
      if (!isPart || (isWhole && !endsWithConnection)) return `answer ${i}: ${body.length} bytes as ${isWhole ? 'whole' : 'a part'}`
      outcomes.push('cut')
    }
  }
  return rest === '' ? outcomes : 'bytes behind the last answer'
}

/** The body of an answer as a client takes it apart (RFC 9112 §6.3), or the part that came, and what is behind it. */
function take (head: string, text: string): { body: string, isWhole: boolean, behind: string } {
  const [, length] = /^content-length: (\d+)$/im.exec(head) ?? []
  if (length !== undefined) {
    const bytes = Number(length)
    return { body: text.slice(0, bytes), isWhole: text.length >= bytes, behind: text.slice(bytes) }
  }
  if (!/^transfer-encoding: chunked$/im.test(head)) return { body: text, isWhole: true, behind: '' }
  let body = ''
  let rest = text
  for (;;) {
    const [line, size] = /^([0-9a-f]+)\r\n/i.exec(rest) ?? []
    if (line === undefined || size === undefined) return { body, isWhole: false, behind: /^[\da-f]*\r?$/i.test(rest) ? '' : rest }
    const bytes = Number.parseInt(size, 16)
    const chunk = rest.slice(line.length, line.length + bytes)
    const end = rest.slice(line.length + bytes, line.length + bytes + 2)
    body += chunk
    rest = rest.slice(line.length + bytes + 2)
    if (end !== '\r\n') return { body, isWhole: false, behind: end.length < 2 ? '' : end + rest }
    if (bytes === 0) return { body, isWhole: true, behind: rest }
  }
}
