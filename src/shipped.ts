/** A file that the package ships beside its code. This module is at the same depth in `src`, in `dist` and in the bundle of the program. */
export function shipped (path: string): URL {
  return new URL(`../${path}`, import.meta.url)
}
