// The build replaces this file by the version itself, because an old Node cannot read the code that finds the version.
export { minimumNode } from '../package.ts'
