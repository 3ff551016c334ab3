// The tests of this folder share a process, so that it loads the proxy once.
import './closing.test.ts'
import './drain.test.ts'
import './half-closed.test.ts'
import './process.test.ts'
import './ready.test.ts'
import './sharing.test.ts'
import './texts.test.ts'
