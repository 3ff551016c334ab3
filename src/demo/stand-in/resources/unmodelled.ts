import { ApiException, notFound, text } from '../answers.ts'
import type { Json } from '../python.ts'
import { operation } from '../resource.ts'
import type { Call, Handler, Operation, Resource } from '../resource.ts'
import type { CatalogueRow } from './catalogue.ts'
import { DEFAULTS } from './defaults.ts'

/** Names of models that are not those of their handlers. */
const MODELS: Readonly<Record<string, string>> = {
  Vlan: 'VLAN', NodeScript: 'Script', CommissioningScript: 'Script', DNSResourceRecord: 'DNSData', VmHost: 'Pod'
}

/**
 * Makes the handler of a resource: the operations that the stand-in has, and for the others an answer that fits
 * without any state. An empty MAAS has its default zone, pool, domain, fabric and subnet, and nothing else.
 */
function completeHandler (row: CatalogueRow, own: Handler | null): Handler {
  const { name, operations } = row
  const others = operations.map((signature): [string, Operation] => [
    signature, operation(`${signature} of ${name}, which the stand-in has no state for.`, call => (
      answer(row, own, signature, call)
    ))
  ])
  return {
    name: own?.name ?? `${name}Handler`,
    doc: own?.doc ?? `${name}: a resource without state.`,
    operations: { ...Object.fromEntries(others), ...own?.operations }
  }
}

function answer ({ template, name }: CatalogueRow, own: Handler | null, signature: string, call: Call): Json {
  const isItem = /\{\w+\}\/?$/.test(template)
  if (!isItem && signature === 'GET') return [...DEFAULTS[template] ?? []]
  const read = own?.operations['GET']
  if (isItem && read !== undefined) read.run(call) // it fails if there is no such item
  else if (isItem) {
    const rows = DEFAULTS[template.replace(/\{\w+\}\/?$/, '')] ?? DEFAULTS[COLLECTIONS[template] ?? ''] ?? []
    const found = rows.find(row => ['id', 'name', 'cidr'].some(key => String(row[key]) === call.args.at(-1)))
    if (found === undefined) throw notFound(MODELS[name] ?? name)
    if (signature === 'GET') return found
  }
  throw new ApiException(text(501, `The stand-in for MAAS does not have ${signature} ${template}.`))
}

/** Collections whose paths are not those of their items. */
const COLLECTIONS: Readonly<Record<string, string>> = { 'resourcepool/{id}/': 'resourcepools/' }

/** Completes a resource with what the catalogue has of it. */
export function completeResource (row: CatalogueRow, own: Resource | undefined): Resource {
  return { template: row.template, anon: own?.anon ?? null, auth: completeHandler(row, own?.auth ?? null) }
}
