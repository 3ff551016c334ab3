import { fileURLToPath } from 'node:url'
import { packageFile, readPackageFile } from '../package.ts'

/** The fields of a source map (ECMA-426) that are read here. */
interface SourceMap { sources: readonly string[], mappings: string }

/** A place in the bundle. */
interface Place {
  /** the file and the position, as in a stack */
  name: string
  /** from 1 */
  line: number
  /** from 1 */
  column: number
  /** the place in a source, as `src/errors.ts:1:2`; null if the map has none */
  origin: string | null
}

/** The size of the cache. A program fails at fewer places. */
const MAX_KNOWN = 1000

/** The places of earlier stacks, so that an error that comes again costs nothing. */
const known = new Map<string, Place>()

/**
 * Replaces the places of a bundle in a stack by those of its sources.
 * @param bundle the bundle, with its source map beside it; without a map the stack stays as it is
 */
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
    return JSON.parse(readPackageFile(file)) as SourceMap
  } catch {
    return { sources: [], mappings: '' } // the error is more important than its places
  }
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/**
 * Sets the origins of places in one pass over the mappings, because each mapping is the difference to the one before.
 * `SourceMap` of node:module would allocate 50 MiB for the map of the program, and keep them.
 */
function findOrigins (places: readonly Place[], { sources, mappings }: SourceMap): void {
  const lines = new Set(places.map(({ line }) => line))
  const placesOn = (line: number) => lines.has(line) ? places.filter(place => place.line === line) : []
  let [line, column, source, sourceLine, sourceColumn] = [1, 0, 0, 0, 0]
  let [field, bits, shift] = [0, 0, 0]
  let here = placesOn(line)
  for (const character of `${mappings};`) {
    const digit = DIGITS.indexOf(character)
    if (digit >= 0) { // base64 VLQ: five bits, the lowest first; the sixth bit says that more follow
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
