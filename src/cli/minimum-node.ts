// The build puts the version itself in place of this, so that a Node that is too old to read the rest can say which it needs.
export { minimumNode } from '../package.ts'
