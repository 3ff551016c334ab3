import { setFlagsFromString } from 'node:v8'

const FLAGS = [
  // V8 makes what a place in the code makes among the old objects if much of it outlived a collection there, as requests do under load. Old
  // objects keep all that they lead to, whole requests, until the whole heap is collected: that costs memory, and up to half again the time.
  '--no-allocation-site-pretenuring',
  // How much a function of WebAssembly runs before it is optimized. undici's parser of responses would be after the first response: a tenth of a
  // second of CPU and 10 MiB for whoever asks now and then. So it is after some three hundred, which a proxy under load has seen in no time.
  '--wasm-tiering-budget=2000000000',
  // The space of new objects doubles when much has outlived a collection, as most of what a start makes does: it would keep 2 MiB for nothing.
  '--semi-space-growth-factor=1'
]

/** Sets V8 up for the start of a proxy. To be called first: it is for code that is loaded later. */
export function setV8Flags (): void {
  FLAGS.forEach(flag => { setFlagsFromString(flag) })
}

/** Lets the space of new objects grow as V8 has it by itself. To be called when the start is over. */
export function letNewSpaceGrow (): void {
  setFlagsFromString('--semi-space-growth-factor=2')
}
