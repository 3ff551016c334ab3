#!/usr/bin/env -S node --
import { minimumNode } from './cli/minimum-node.ts'
import { isOlder } from './cli/node-version.ts'

// The only file that does something when it is loaded. Without the `--` in its first line, Node itself would read
// --env-file, and the file could set NODE_OPTIONS. Every Node from 14 on must be able to read the build of this file,
// to say which version is needed: so it has no `await`, and its static imports import no module of Node.
const { node } = process.versions
if (isOlder(node, minimumNode())) {
  process.stderr.write(`maas-auth-proxy: error: needs Node ${minimumNode()} or newer, and this is ${node}\n`)
  process.exitCode = 2
} else {
  void import('./cli/process.ts').then(({ runProcess }) => runProcess())
}
