import type { Machine, StoredFile, Tag, Token, User } from './model.ts'
import { randomKey, randomText } from './random.ts'
import { seedMachines } from './seed.ts'

/** The state of a stand-in, in memory. */
export interface Store {
  users: Map<string, User>
  /** Consumer keys. piston3 checks them independently of the token. */
  consumers: Set<string>
  tokens: Map<string, Token>
  /** Used nonces, one entry for each consumer, token and nonce. */
  nonces: Set<string>
  sessions: Map<string, User>
  machines: Machine[]
  tags: Map<string, Tag>
  files: StoredFile[]
  /** Returns the region's time, in seconds since the epoch. */
  now: () => number
}

/** Creates a MAAS with an administrator, a plain user, three machines and a tag. */
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

/** Creates a user, by default with a random password. */
export function createUser (
  id: number, username: string, superuser: boolean, email = `${username}@example.com`, password = randomText(20)
): User {
  return { id, username, email, superuser, password }
}

/** Creates an API key: a pair of consumer and token, whose secret is the token's (maasserver/models/user.py). */
export function createToken (store: Store, user: User, name = 'MAAS consumer'): Token {
  const token = { ...randomKey(), name, user }
  store.consumers.add(token.consumer)
  store.tokens.set(token.key, token)
  return token
}
