import { raised } from './answers.ts'
import type { Answer } from './answers.ts'
import type { Upload } from './body.ts'
import type { Fields, QueryDict } from './fields.ts'
import type { User } from './model.ts'
import type { Json } from './python.ts'
import type { Store } from './store.ts'

/** What a handler gets to see of a request. */
export interface Call {
  store: Store
  /** ANONYMOUS if nobody authenticated. */
  user: User
  /** Authenticated by the cookie of a UI login rather than by a signature. */
  bySession: boolean
  /** `request.GET` */
  query: QueryDict
  /** `request.data` */
  data: Fields
  /** `request.POST`: empty for a JSON body */
  form: QueryDict
  files: Upload[]
  /** The variable parts of the path, decoded. */
  args: string[]
}

/** What an operation does, and a line about it for `describe/`. */
export interface Operation { doc: string, run: (call: Call) => Answer | Json }

/** A piston handler: its operations by `METHOD` or `METHOD op`. */
export interface Handler { name: string, doc: string, operations: Record<string, Operation> }

/** A path with the handlers that answer there. */
export interface Resource {
  /** Below `/MAAS/api/2.0/`, with the variable parts in braces. */
  template: string
  /** For those who have authenticated; null if the resource asks nobody to. */
  auth: Handler | null
  /** For those who have not. */
  anon: Handler | null
}

/** An entry of a handler's table of operations. */
export function operation (doc: string, run: Operation['run']): Operation {
  return { doc, run }
}

/** maasserver/api/support.py, admin_method (row "plain user: admin-only POST users"). */
export function adminOnly (doc: string, run: Operation['run']): Operation {
  return operation(doc, call => {
    if (!call.user.superuser) throw raised(403, 'This method is reserved for admin users.')
    return run(call)
  })
}

/** maasserver/api/utils.py, get_mandatory_param. */
export function mandatory (fields: Fields, name: string): string {
  const value = fields.get(name)
  if (!value) throw raised(400, `No provided ${name}!`)
  return value
}

/** formencode's StringBool, as far as it says no. */
export function isFalse (value: string | undefined): boolean {
  return ['false', 'f', 'no', 'n', 'off', '0'].includes((value ?? '').trim().toLowerCase())
}
