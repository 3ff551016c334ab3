#!/usr/bin/env -S node --
import { minimumNode } from './cli/minimum-node.ts'
import { isOlder } from './cli/node-version.ts'

// The only file that does something when it is loaded. The `--` in its first line keeps node from taking --env-file for
// itself, which also would let that file set NODE_OPTIONS. Every Node from 14 on can read what the build makes of this
// file, to say which one it takes: so it has no `await`, and what it imports at once imports no module of Node's.
const { node } = process.versions
if (isOlder(node, minimumNode())) {
  process.stderr.write(`maas-auth-proxy: error: needs Node ${minimumNode()} or newer, and this is ${node}\n`)
  process.exitCode = 2
} else {
  void import('./cli/process.ts').then(({ runProcess }) => runProcess())
}
