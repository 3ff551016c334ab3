// The tests of this folder share a process, so that it loads the proxy once.
import './file.test.ts'
import './property.test.ts'
import './recording.test.ts'
