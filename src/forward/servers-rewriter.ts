import type { BodyRewriter } from './body-rewriter.ts'

/** The longest line that is looked into, in bytes. Those of MAAS are wrapped at 80. */
const MAX_LINE = 64 * 1024

/** The URL of a server in YAML, up to its path: `- url: http://maas.example:5240`. */
const SERVER_URL = /^((?:- | {2})url: ?["']?)https?:\/\/[^/\s"']+/

/**
 * Replaces the origin of each server in the OpenAPI description (`servers`, OpenAPI 3.1 §4.8.5), whatever it is: MAAS
 * takes it from its setting `maas_url`, not from the request (`api/doc_oapi.py`). The description is YAML in block
 * style, as PyYAML writes it.
 */
export class ServersRewriter implements BodyRewriter {
  readonly #to: string
  /** the start of a line whose end has not come */
  #rest = ''
  #isInServers = false

  /** @param to an origin, without a slash at its end */
  constructor (to: string) {
    this.#to = to
  }

  write (chunk: Buffer): Buffer {
    const text = this.#rest + chunk.toString('latin1')
    const end = text.length - text.lastIndexOf('\n') > MAX_LINE ? text.length : text.lastIndexOf('\n') + 1
    this.#rest = text.slice(end)
    return this.#rewrite(text.slice(0, end))
  }

  end (): Buffer {
    return this.#rewrite(this.#rest)
  }

  #rewrite (text: string): Buffer {
    const lines = text.split('\n').map(line => {
      if (/^[^\s-]/.test(line)) this.#isInServers = line.trimEnd() === 'servers:'
      return this.#isInServers ? line.replace(SERVER_URL, (_, before: string) => before + this.#to) : line
    })
    return Buffer.from(lines.join('\n'), 'latin1')
  }
}
