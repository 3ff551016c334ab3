import { BODILESS, type ResponseHead, withoutFields } from './response-head.ts'

/**
 * Types that a browser renders as a document with scripts: HTML, XHTML and other XML (also SVG and XSLT), a stream of
 * parts of any type, and the types that it guesses anew (WHATWG MIME Sniffing §7).
 */
const PAGE_TYPE = /html|xml|svg|xsl|mixed-replace|^unknown\/|^application\/unknown|^\*\/\*/i

/** A well-formed content type. Browsers sniff an answer whose content type is malformed. */
const WELL_FORMED = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+[ \t]*(?:;|$)/

/**
 * The destinations that are neither documents nor frames (Fetch §2.2.5). A browser omits `Sec-Fetch-Dest` for http
 * beyond loopback, and old browsers always do, so without it any answer may become a document.
 */
const NO_DOCUMENTS: ReadonlySet<string> = new Set([
  'empty', 'audio', 'audioworklet', 'font', 'image', 'json', 'manifest', 'paintworklet', 'report', 'script',
  'serviceworker', 'sharedworker', 'style', 'track', 'video', 'webidentity', 'worker', 'xslt'
])

/**
 * Takes the scripts and forms out of an answer that a browser may show as a page. The page would be on the origin that
 * lends the key, so a script in it, such as one in a file that somebody has stored in MAAS, could do what the key can.
 * @param destination the client's `Sec-Fetch-Dest`, if it has sent one
 * @returns the fields of the answer, names and values in turns
 */
export function inertPage (head: ResponseHead, destination: string | undefined): string[] {
  const { headers } = head
  if (destination !== undefined && NO_DOCUMENTS.has(destination)) return headers
  if (!isPage(head)) return headers
  return [
    ...withoutFields(headers, ['x-content-type-options']),
    'Content-Security-Policy', 'sandbox', // beside the policies of MAAS, which all count (CSP3 §4.1)
    'X-Content-Type-Options', 'nosniff'
  ]
}

function isPage ({ status, contentTypes }: ResponseHead): boolean {
  if (BODILESS.has(status)) return false
  const [type, another] = contentTypes
  return type === undefined || another !== undefined || !WELL_FORMED.test(type) || PAGE_TYPE.test(type)
}
