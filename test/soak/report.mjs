// What was done and what was seen, as a table.

/** @returns lines of aligned pairs, below their headings */
export function asTable (sections) {
  const rows = sections.flatMap(([, pairs]) => pairs)
  const width = Math.max(...rows.map(([name]) => name.length))
  return sections.map(([heading, pairs]) => [heading, ...pairs.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)].join('\n')).join('\n\n')
}

/** The counts whose names begin with a word, by their name. */
export function countsOf (counts, word) {
  return [...counts].filter(([name]) => name.startsWith(`${word}: `)).map(([name, count]) => [name.slice(word.length + 2), count]).sort(([one], [other]) => one < other ? -1 : 1)
}
