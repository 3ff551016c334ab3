// The tests of this folder share a process, so that it loads the proxy once.
import './catalogue.test.ts'
import './credential-guard.test.ts'
import './policy.test.ts'
