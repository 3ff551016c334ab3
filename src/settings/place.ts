/** A place in a configuration file. */
export interface Place {
  /** file, line and column, as `proxy.yaml:5:12` */
  name: string
  /** the line with a mark below the column, on lines of their own; empty if it may have a secret in it */
  excerpt: string
}

/** A message with the place that it is about. */
export function messageAt (place: Place | undefined, message: string): string {
  return place === undefined ? message : `${place.name}: ${message}${place.excerpt}`
}
