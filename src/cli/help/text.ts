/** A term and its explanation. */
export type Row = readonly [term: string, text: string]

/** The width of help in characters. */
export const WIDTH = 100

/**
 * Breaks a text into lines at its spaces.
 * @param indent the beginning of each line, which counts
 */
export function wrap (text: string, indent = '', width = WIDTH): string {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const line = lines.at(-1)
    if (line === undefined || line.length + 1 + word.length > width) lines.push(indent + word)
    else lines[lines.length - 1] = `${line} ${word}`
  }
  return lines.join('\n')
}

/** Terms with their explanations below them. */
export function list (rows: readonly Row[]): string {
  return rows.map(([term, text]) => `  ${term}\n${wrap(text, '      ')}`).join('\n')
}

/** Terms with their explanations beside them, in two columns. An explanation that is too long goes on below itself. */
export function columns (rows: readonly Row[]): string {
  const width = Math.max(...rows.map(([term]) => term.length)) + 4
  return rows.map(([term, text]) => `  ${term}`.padEnd(width) + wrap(text, ' '.repeat(width)).trimStart()).join('\n')
}
