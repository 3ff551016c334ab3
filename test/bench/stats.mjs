// Numbers made of numbers.

/** The value below which a share of the values is, interpolated. */
export function quantile (values, share) {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * share
  const low = Math.floor(at)
  return sorted[low] + (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]) * (at - low)
}

export const median = values => quantile(values, 0.5)

/** A median with where most of the values are. */
export function spread (values) {
  return { median: median(values), p10: quantile(values, 0.1), p90: quantile(values, 0.9) }
}

/**
 * One thing that was measured for several candidates, in turns.
 * @param values of each candidate, by its name, ours first, those of one round at the same place
 * @param against whom ours is compared with, round by round, if it is there
 * @param goal for the ratio where there is one to be, else for ours
 */
export function figure (name, unit, values, { against, goal }) {
  const [[, ours]] = values
  const theirs = values.get(against)
  const ratio = theirs === undefined ? null : spread(ours.map((value, i) => value / theirs[i]))
  return {
    name,
    unit,
    values: Object.fromEntries([...values].map(([candidate, measured]) => [candidate, median(measured)])),
    against: against ?? null,
    ratio,
    goal,
    met: against === undefined ? median(ours) <= goal : ratio === null ? null : ratio.median <= goal
  }
}
