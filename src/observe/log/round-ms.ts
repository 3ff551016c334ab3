/** Rounds a time in milliseconds to a tenth, for log records: more digits are noise. */
export function roundMs (ms: number): number {
  return Math.round(ms * 10) / 10
}
