// The tests of this folder share a process, so that it loads the proxy once.
import './library.test.ts'
