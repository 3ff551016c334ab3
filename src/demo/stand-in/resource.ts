import { apiException, invalidForm } from './answers.ts'
import type { Answer } from './answers.ts'
import type { Upload } from './body.ts'
import type { Fields, QueryDict } from './fields.ts'
import type { User } from './model.ts'
import type { Json } from './python.ts'
import type { Store } from './store.ts'

/** The input of an operation. */
export interface Call {
  store: Store
  /** ANONYMOUS without authentication. */
  user: User
  /** Whether the cookie of a UI session authenticated the request, not a signature. */
  bySession: boolean
  /** `request.GET` */
  query: QueryDict
  /** `request.data` */
  data: Fields
  /** `request.POST`: empty for a JSON body */
  form: QueryDict
  files: Upload[]
  /** the bytes of the body */
  body: Buffer
  /** The variable parts of the path, decoded. */
  args: string[]
}

/** An operation, with a line about it for `describe/`. */
export interface Operation { doc: string, run: (call: Call) => Answer | Json }

/** A piston handler: its operations by `METHOD` or `METHOD op`. */
export interface Handler { name: string, doc: string, operations: Record<string, Operation> }

/** A path with its handlers. */
export interface Resource {
  /** The path below `/MAAS/api/2.0/`, with the variable parts in braces. */
  template: string
  /** The handler for authenticated requests; null if the resource ignores authentication. */
  auth: Handler | null
  /** The handler for anonymous requests; null if there is none. */
  anon: Handler | null
}

/** Creates an operation. */
export function operation (doc: string, run: Operation['run']): Operation {
  return { doc, run }
}

/** Creates an operation for administrators (maasserver/api/support.py, admin_method). */
export function adminOnly (doc: string, run: Operation['run']): Operation {
  return operation(doc, call => {
    if (!call.user.superuser) throw apiException(403, 'This method is reserved for admin users.')
    return run(call)
  })
}

/**
 * Returns the value of a parameter (maasserver/api/utils.py, get_mandatory_param).
 * @throws ApiException with a 400 if it is missing or empty
 */
export function mandatoryParameter (fields: Fields, name: string): string {
  const value = fields.get(name)
  if (!value) throw apiException(400, `No provided ${name}!`)
  return value
}

/**
 * Returns the fields for a form of Django.
 * @throws ApiException with a 400 if there are none at all, so that the form is unbound and has no errors
 */
export function formFields ({ data }: Call): Fields {
  if (data.isNone === true) throw invalidForm({})
  data.checkItems()
  return data
}

/** Whether a value means false, as in formencode's StringBool. */
export function isFalse (value: string | undefined): boolean {
  return ['false', 'f', 'no', 'n', 'off', '0'].includes((value ?? '').trim().toLowerCase())
}
