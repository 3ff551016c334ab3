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
 * @param against whose ratio to ours is taken, round by round, if it is there
 * @param over whose difference to ours is taken in the same way
 * @param goal at most, for the ratio or the difference where one is taken, else for ours
 */
export function figure (name, unit, values, { against, over, goal }) {
  const [[, ours]] = values
  const beside = (other, compare) => {
    const theirs = values.get(other)
    return theirs === undefined ? null : spread(ours.map((value, i) => compare(value, theirs[i])))
  }
  const ratio = beside(against, (value, theirs) => value / theirs)
  const difference = beside(over, (value, theirs) => value - theirs)
  const judged = against === undefined && over === undefined ? spread(ours) : ratio ?? difference
  return {
    name,
    unit,
    values: Object.fromEntries([...values].map(([candidate, measured]) => [candidate, median(measured)])),
    against: against ?? null,
    ratio,
    over: over ?? null,
    difference,
    goal,
    met: judged === null ? null : judged.median <= goal
  }
}
