import { MIMEType } from 'node:util'

/** A media range of `Accept` with its weight. */
interface MediaRange {
  /** `text/html`, or with stars `text/*` */
  range: string
  /** from 0 to 1; not a number if it is malformed */
  weight: number
}

/**
 * Chooses the media type of an answer by the field `Accept` of the request (RFC 9110 §12.5.1).
 * @param offered the types, the preferred one first
 * @returns the first of the types that the client gives the most weight; the first of all if it accepts none
 */
export function chooseMediaType<const Type extends string> (
  accept: string | undefined, offered: readonly [Type, ...Type[]]
): Type {
  const ranges = (accept ?? '*/*').split(',').flatMap(parseRange)
  let [best] = offered
  let bestWeight = 0
  for (const type of offered) {
    const weight = weightOf(type, ranges)
    if (weight <= bestWeight) continue
    best = type
    bestWeight = weight
  }
  return best
}

function parseRange (text: string): MediaRange[] {
  try {
    const { essence: range, params } = new MIMEType(text)
    return [{ range, weight: Number(params.get('q') ?? 1) }]
  } catch {
    return [] // not a media range
  }
}

/** The weight of the most specific range that has a type; 0 if none has. */
function weightOf (type: string, ranges: readonly MediaRange[]): number {
  const candidates = [type, type.replace(/\/.*/, '/*'), '*/*']
  const weights = candidates.map(candidate => ranges.find(({ range }) => range === candidate)?.weight)
  return weights.find(weight => weight !== undefined && weight >= 0 && weight <= 1) ?? 0
}
