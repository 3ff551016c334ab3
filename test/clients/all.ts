// The tests of this folder share a process, so that it loads the proxy once.
import './certificates.test.ts'
import './identifiers.test.ts'
import './mistakes.test.ts'
import './reload.test.ts'
import './rules.test.ts'
import './workloads.test.ts'
