import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { packageFile } from '../package.ts'

/** What is read of a source map (ECMA-426). */
interface SourceMap { sources: readonly string[], mappings: string }

/** A place in the bundle, counted from 1, and in a source, `src/errors.ts:1:2`; null where the map does not say. */
interface Place { name: string, line: number, column: number, origin: string | null }

/** More places than a program fails at. */
const MAX_KNOWN = 1000

/** The places of the stacks so far, so that an error that comes again costs nothing. */
const known = new Map<string, Place>()

/** Names the sources in a stack in place of the bundle, by the source map beside that. Without one, changes nothing. */
export function withSources (stack = '', bundle = packageFile('dist/bundle.cjs')): string {
  if (known.size > MAX_KNOWN) known.clear()
  const prefix = `${fileURLToPath(bundle)}:`
  const [before = '', ...frames] = stack.split(prefix)
  const parts = frames.map(frame => {
    const [position = '', line, column] = /^(\d+):(\d+)/.exec(frame) ?? []
    const name = prefix + position
    const place: Place = known.get(name) ?? { name, line: Number(line), column: Number(column), origin: null }
    return { place, rest: frame.slice(position.length) }
  })
  const added = parts.map(({ place }) => place).filter(({ name }) => !known.has(name))
  if (added.length > 0) findOrigins(added, readMap(new URL(`${bundle.href}.map`)))
  for (const place of added) known.set(place.name, place)
  return before + parts.map(({ place: { origin, name }, rest }) => (origin ?? name) + rest).join('')
}

function readMap (file: URL): SourceMap {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as SourceMap
  } catch {
    return { sources: [], mappings: '' } // an error matters more than how it is shown
  }
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/**
 * Reads the mappings once, since each says by how much it differs from the one before. Not by node:module's SourceMap:
 * for the map of the program that takes 50 MiB, and keeps them.
 */
function findOrigins (places: readonly Place[], { sources, mappings }: SourceMap): void {
  const lines = new Set(places.map(({ line }) => line))
  const placesOn = (line: number) => lines.has(line) ? places.filter(place => place.line === line) : []
  let [line, column, source, sourceLine, sourceColumn] = [1, 0, 0, 0, 0]
  let [field, bits, shift] = [0, 0, 0]
  let here = placesOn(line)
  for (const character of `${mappings};`) {
    const digit = DIGITS.indexOf(character)
    if (digit >= 0) { // five bits of a number, the lowest first; the sixth says that there are more
      bits += (digit & 31) << shift
      shift += 5
      if (digit > 31) continue
      const difference = (bits & 1) === 1 ? -(bits >> 1) : bits >> 1
      if (field === 0) column += difference
      else if (field === 1) source += difference
      else if (field === 2) sourceLine += difference
      else if (field === 3) sourceColumn += difference
      field++
      bits = shift = 0
      continue
    }
    for (const place of here) {
      if (field === 0 || column >= place.column) continue
      place.origin = field === 1 ? null : `${sources[source]}:${sourceLine + 1}:${sourceColumn + 1}`
    }
    field = 0
    if (character === ';') {
      column = 0
      here = placesOn(++line)
    }
  }
}
