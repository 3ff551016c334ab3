import type { Machine, StoredFile, Tag, Token, User } from './model.ts'
import { randomKey, randomText } from './random.ts'
import { seedMachines } from './seed.ts'

/** Everything the stand-in remembers; it begins anew at each start. */
export interface Store {
  users: Map<string, User>
  /** Consumer keys. They are looked up without regard to the token (piston3 ties neither to the other). */
  consumers: Set<string>
  tokens: Map<string, Token>
  /** Used nonces, one entry per consumer, token and nonce. */
  nonces: Set<string>
  sessions: Map<string, User>
  machines: Machine[]
  tags: Map<string, Tag>
  files: StoredFile[]
  /** The region's clock, epoch seconds. */
  now: () => number
}

/** A new MAAS with an administrator, a plain user, three machines and a tag. */
export function createStore (now: () => number): Store {
  const users = [createUser(1, 'admin', true), createUser(2, 'user', false)]
  const tag: Tag = { name: 'virtual', definition: '', comment: 'machines that are not metal', kernelOptions: '' }
  return {
    users: new Map(users.map(user => [user.username, user])),
    consumers: new Set(),
    tokens: new Map(),
    nonces: new Set(),
    sessions: new Map(),
    machines: seedMachines(users[0] as User),
    tags: new Map([[tag.name, tag]]),
    files: [],
    now: () => Math.floor(now())
  }
}

/** A user with a password of their own. */
export function createUser (id: number, username: string, superuser: boolean, email = `${username}@example.com`, password = randomText(20)): User {
  return { id, username, email, superuser, password }
}

/** A new API key: consumer and token come in pairs, the secret belongs to the token (maasserver/models/user.py). */
export function createToken (store: Store, user: User, name = 'MAAS consumer'): Token {
  const token = { ...randomKey(), name, user }
  store.consumers.add(token.consumer)
  store.tokens.set(token.key, token)
  return token
}
