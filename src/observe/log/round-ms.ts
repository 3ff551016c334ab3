/** A time in milliseconds as records have it: to the tenth, since more is noise. */
export function roundMs (ms: number): number {
  return Math.round(ms * 10) / 10
}
