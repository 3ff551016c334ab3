import { apiException, conflict, notFound, rc } from '../answers.ts'
import type { Answer } from '../answers.ts'
import type { User } from '../model.ts'
import type { Json } from '../python.ts'
import { randomText } from '../random.ts'
import { adminOnly, isFalse, mandatoryParameter, operation } from '../resource.ts'
import type { Call, Resource } from '../resource.ts'
import { createUser } from '../store.ts'

/** `users/` */
export const users: Resource = {
  template: 'users/',
  anon: null,
  auth: {
    name: 'UsersHandler',
    doc: 'Manage the user accounts of this MAAS.',
    operations: {
      GET: operation('List users.', call => [...call.store.users.values()].map(show)),
      'GET whoami': operation('Return the currently logged-in user.', whoami),
      POST: adminOnly('Create a user.', create)
    }
  }
}

/** `users/{username}/` */
export const user: Resource = {
  template: 'users/{username}/',
  anon: null,
  auth: {
    name: 'UserHandler',
    doc: 'Manage a user account.',
    operations: {
      GET: operation('Read a user.', call => {
        const found = call.store.users.get(call.args[0] as string)
        if (found === undefined) throw notFound('User')
        return show(found)
      }),
      DELETE: adminOnly('Delete a user.', remove)
    }
  }
}

function create ({ store, data }: Call): Json {
  const username = mandatoryParameter(data, 'username')
  const email = mandatoryParameter(data, 'email')
  const password = mandatoryParameter(data, 'password')
  const isSuperuser = !isFalse(mandatoryParameter(data, 'is_superuser'))
  if (store.users.has(username)) throw conflict()
  const created = createUser(store.users.size + 1, username, isSuperuser, email, password)
  store.users.set(username, created)
  return show(created)
}

/** Deletes a user. A missing user is no error (maasserver/api/users.py). */
function remove ({ store, user, args: [username = ''] }: Call): Answer {
  if (username === user.username) throw apiException(400, 'An administrator cannot self-delete.')
  store.users.delete(username)
  return rc.deleted
}

/** Returns the user; all fields if a session authenticated, as piston does (row "whoami with the session cookie"). */
function whoami ({ user, bySession }: Call): Json {
  if (!bySession) return show(user)
  return {
    id: user.id,
    // It has the form of Django's hash, with random characters.
    password: `pbkdf2_sha256$260000$${randomText(22)}$${randomText(43)}=`,
    last_login: null,
    is_superuser: user.superuser,
    username: user.username,
    last_name: '',
    email: user.email,
    is_staff: false,
    is_active: true
  }
}

function show (user: User): Json {
  return {
    is_superuser: user.superuser,
    username: user.username,
    email: user.email,
    is_local: true,
    resource_uri: `/MAAS/api/2.0/users/${user.username}/`
  }
}
