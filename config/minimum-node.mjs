// The oldest Node that the program runs on, for what is built.
import { readFileSync } from 'node:fs'

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

/** The oldest supported version of Node, such as `22.19`. */
export const MINIMUM_NODE = engines.node.replace('>=', '')

/** A plugin of esbuild: the entry has the version in it, because an old Node cannot read the code that finds it. */
export const minimumNode = {
  name: 'minimum-node',
  setup (build) {
    const contents = `export const minimumNode = () => '${MINIMUM_NODE}'`
    build.onLoad({ filter: /src[\\/]cli[\\/]minimum-node\.ts$/ }, () => ({ contents }))
  }
}
