// The tests of this folder share a process, so that it loads the proxy once.
import './activation.test.ts'
import './listeners.test.ts'
import './tls.test.ts'
