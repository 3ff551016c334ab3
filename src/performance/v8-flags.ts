import { setFlagsFromString } from 'node:v8'

// Buys: CPU a request 1.16 with it and 1.30 without, in parts of a build with all former machinery (Node 24, 2026-11, measured by
// `npm run bench -- --against DIR` on a busy machine). A V8 that leaves per-request objects in the young space would replace it.

/**
 * Disables pretenuring: under load V8 promotes per-request objects, which then live until a major GC. Called first, since it is
 * for code that is loaded later; a code cache is taken only under the flags that it was made under.
 */
export function setV8Flags (): void {
  setFlagsFromString('--no-allocation-site-pretenuring')
}
