// The certificate of MAAS and the file of its CA. Both change under load as an operator changes them: the file gets the
// new CA beside the old one, MAAS comes back with the new certificate, and then the old CA goes.
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { makeCertificates } from '../helper/certificates.ts'

const INTERVAL_MS = 1000
const TIMEOUT_MS = 10_000
const REPLACED = 'the certificates for MAAS have been replaced; requests from now on use the new ones'

export class Trust {
  changes = 0
  file
  certFile
  keyFile
  #ca
  #made = 0
  #ip

  /** @param folder where its files are @param ip the address of MAAS */
  constructor (folder, ip) {
    this.#ip = ip
    this.file = join(folder, 'ca.pem')
    this.certFile = join(folder, 'maas.pem')
    this.keyFile = join(folder, 'maas-key.pem')
  }

  /** Makes the first CA. */
  async begin () {
    const { ca, cert, key } = await makeCertificates({ issuer: 'CA 0', ip: this.#ip })
    this.#ca = ca
    this.#write(this.file, ca)
    this.#show(cert, key)
  }

  async run (proxy, upstream, isOver, report) {
    while (!isOver()) {
      await wait(INTERVAL_MS)
      const { ca, cert, key } = await makeCertificates({ issuer: `CA ${++this.#made}`, ip: this.#ip })
      this.#ca += `\n${ca}`
      await this.#change(proxy, this.#ca, report)
      this.#show(cert, key)
      const wanted = upstream.starts + 2 // the next one may have read its certificate already
      while (upstream.starts < wanted && !isOver()) await wait(INTERVAL_MS / 10)
      if (upstream.starts < wanted) return // MAAS may still have the old certificate, so both CAs stay
      this.#ca = ca
      await this.#change(proxy, this.#ca, report)
      this.changes++
    }
  }

  async #change (proxy, text, report) {
    const seen = proxy.logged([REPLACED], TIMEOUT_MS)
    this.#write(this.file, text)
    if (await seen === null) report('a changed CA was not noticed', REPLACED)
  }

  /** What MAAS shows from its next start on. */
  #show (cert, key) {
    this.#write(this.certFile, cert)
    this.#write(this.keyFile, key)
  }

  /** Whole at once, as Kubernetes does it. */
  #write (file, text) {
    writeFileSync(`${file}.new`, text, { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }
}
