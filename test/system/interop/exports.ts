import { readFileSync } from 'node:fs'
import type { Ask } from '../../helper/maas-client.ts'

/** An export of a tool, as JSON. */
type Json = any

/** A request as a tool has exported it. */
export interface Exported {
  name: string
  method: string
  url: string
  headers: Array<[string, string]>
  oauth: OAuth | null
  form: Array<{ name: string, value: string }>
}

/** The settings of OAuth 1.0 in a tool; `place` is where it puts the parameters. */
interface OAuth { consumerKey: string, consumerSecret: string, token: string, tokenSecret: string, signatureMethod: string, place: 'header' | 'query' }

/** What each tool sends beside what it has exported. */
const POSTMAN: Array<[string, string]> = [['User-Agent', 'PostmanRuntime/7.43.0'], ['Accept', '*/*'], ['Cookie', 'sessionid=stray'], ['Accept-Encoding', 'gzip, deflate, br'], ['Connection', 'keep-alive']]
const INSOMNIA: Array<[string, string]> = [['User-Agent', 'insomnia/8.6.1'], ['Accept', '*/*']]

/** The requests of a Postman collection (schema 2.1.0), with its variables put in. */
export function readPostman (): Exported[] {
  const { item, variable } = read('postman.json')
  const filled = (text: string) => text.replace(/\{\{(\w+)\}\}/g, (_all, name) => variable.find(({ key }: Json) => key === name).value)
  return item.map(({ name, request: { method, url, header, auth, body } }: Json): Exported => {
    const oauth = auth && Object.fromEntries(auth.oauth1.map(({ key, value }: Json) => [key, typeof value === 'string' ? filled(value) : value]))
    return {
      name,
      method,
      url: filled(url.raw),
      headers: [...header.map(({ key, value }: Json) => [key, value]), ...POSTMAN],
      oauth: oauth ? { ...oauth, place: oauth.addParamsToHeader ? 'header' : 'query' } : null,
      form: (body?.formdata ?? []).map(({ key, value }: Json) => ({ name: key, value }))
    }
  })
}

/** The requests of an Insomnia export (format 4), with its base environment put in. */
export function readInsomnia (): Exported[] {
  const { resources } = read('insomnia.json')
  const { data } = resources.find(({ _type: type }: Json) => type === 'environment')
  return resources.filter(({ _type: type }: Json) => type === 'request').map(({ name, method, url, headers, authentication, body }: Json): Exported => ({
    name,
    method,
    url: url.replace(/\{\{ _\.(\w+) \}\}/g, (_all: string, key: string) => data[key]),
    headers: [...headers.map(({ name, value }: Json) => [name, value]), ...INSOMNIA],
    oauth: authentication.type === 'oauth1' ? { ...authentication, token: authentication.tokenKey, place: 'header' } : null,
    form: body.params ?? []
  }))
}

function read (name: string): Json {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'))
}

/** The request that a tool makes of it, signed as the tool would. @param timestamp epoch seconds */
export function toAsk ({ method, url, headers, oauth, form }: Exported, timestamp: number): Ask {
  const { pathname, search } = new URL(url)
  const signed = oauth === null ? [] : sign(oauth, timestamp)
  const authorization: Array<[string, string]> = oauth?.place === 'header' ? [['Authorization', `OAuth ${signed.map(([name, value]) => `${name}="${value}"`).join(',')}`]] : []
  const query = oauth?.place === 'query' ? `${search === '' ? '?' : `${search}&`}${signed.map(pair => pair.join('=')).join('&')}` : search
  const asked: Ask = { method, path: pathname + query, headers: [...authorization, ...headers] }
  return form.length === 0 ? asked : { ...asked, headers: [...authorization, ...headers, ['Content-Type', `multipart/form-data; boundary=${BOUNDARY}`]], body: encode(form) }
}

function sign (
  { consumerKey, consumerSecret, token, tokenSecret, signatureMethod }: OAuth, timestamp: number
): Array<[string, string]> {
  return [
    ['oauth_consumer_key', consumerKey], ['oauth_token', token], ['oauth_signature_method', signatureMethod], ['oauth_timestamp', String(timestamp)],
    ['oauth_nonce', 'kYjzVBB8Y0Z'], ['oauth_version', '1.0'], ['oauth_signature', encodeURIComponent(`${consumerSecret}&${tokenSecret}`)]
  ]
}

const BOUNDARY = '--------------------------817312'

function encode (form: Exported['form']): string {
  return `${form.map(({ name, value }) => `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`).join('')}--${BOUNDARY}--\r\n`
}
