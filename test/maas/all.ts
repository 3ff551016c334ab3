// The tests of this folder share a process, so that it loads the proxy once.
import './hints.test.ts'
import './maas.test.ts'
