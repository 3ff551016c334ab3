// The tests of this folder share a process, so that it loads the proxy once.
import './answers.test.ts'
import './certificates.test.ts'
import './connections.test.ts'
import './dial.test.ts'
import './failures.test.ts'
