import t from 'tap'
import { commit, packageFile, readPackageFile } from '../../src/package.ts'

t.test('a file of the package is read from the package, or from the assets of a single executable', t => {
  const file = packageFile('config/operations.json')
  t.match(readPackageFile(file), /^\[/)
  const assets = { isSea: () => true, getAsset: (name: string) => `asset ${name}` }
  t.equal(readPackageFile(file, assets), 'asset config/operations.json')
  t.end()
})

t.test('a missing file gives a line that names it and says what to do', t => {
  const message = 'this copy of maas-auth-proxy is damaged, it lacks config/none.json: get it again'
  const file = packageFile('config/none.json')
  t.throws(() => readPackageFile(file), { message, cause: { code: 'ENOENT' } })
  const assets = { isSea: () => true, getAsset: () => { throw new Error('no such asset') } }
  t.throws(() => readPackageFile(file, assets), { message, cause: { message: 'no such asset' } })
  t.end()
})

t.test('what is built knows its commit, the sources do not', t => {
  t.equal(commit(), 'unknown')
  t.match(commit({ isSea: () => true, getAsset: name => `asset ${name}` }), /^asset (?:src|dist)\/commit$/)
  t.end()
})
