import type { BootResource, Machine, Script, StoredFile, Tag, Token, User } from './model.ts'
import { randomKey, randomText } from './random.ts'
import { RELEASES } from './release.ts'
import type { MaasVersion, Release } from './release.ts'
import { seedMachines } from './seed.ts'

/** The state of a stand-in, in memory. */
export interface Store {
  release: Release
  /** The setting `maas_url`. */
  maasUrl: string
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
  scripts: Script[]
  bootResources: BootResource[]
  /** Returns the region's time, in seconds since the epoch. */
  now: () => number
}

/** Creates a MAAS with an administrator, a plain user, MAAS's own users, four machines and a tag. */
export function createStore (version: MaasVersion, now: () => number): Store {
  const release = RELEASES[version]
  const admin = createUser(1, 'admin', true)
  const own = [createUser(3, 'MAAS', release.isMaasSuperuser, 'maas@localhost', randomText(20)), admin]
  if (release.hasInitUser) own.push(createUser(4, 'maas-init-node', false, 'node-init-user@localhost', randomText(20)))
  const users = [...own, createUser(2, 'user', false)]
  const tag: Tag = { name: 'virtual', definition: '', comment: '', kernelOptions: '' }
  return {
    release,
    maasUrl: '',
    users: new Map(users.map(user => [user.username, user])),
    consumers: new Set(),
    tokens: new Map(),
    nonces: new Set(),
    sessions: new Map(),
    machines: seedMachines(admin, release),
    tags: new Map([[tag.name, tag]]),
    files: [],
    scripts: [],
    bootResources: [],
    now: () => Math.floor(now())
  }
}

/** Creates a user. The password of the two that people try is their name. */
export function createUser (
  id: number, username: string, superuser: boolean, email = `${username}@example.com`, password = username
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
