import { Answer, JSON_TYPE, notFound, rc } from '../answers.ts'
import type { Token } from '../model.ts'
import { dumps } from '../python.ts'
import { mandatoryParameter, operation } from '../resource.ts'
import type { Call, Resource } from '../resource.ts'
import { createToken } from '../store.ts'

/** `account/`: a signed caller lists, creates and deletes API keys (rows "account op=..."). */
export const account: Resource = {
  template: 'account/',
  anon: null,
  auth: {
    name: 'AccountHandler',
    doc: 'Manage the current logged-in user.',
    operations: {
      'GET list_authorisation_tokens': operation('List the API keys of the user.', list),
      'POST create_authorisation_token': operation('Create an API key.', create),
      'POST delete_authorisation_token': operation('Delete an API key.', remove),
      'POST update_token_name': operation('Rename an API key.', rename)
    }
  }
}

function list ({ store, user }: Call) {
  return [...store.tokens.values()].filter(token => token.user === user)
    .map(token => ({ name: token.name, token: `${token.consumer}:${token.key}:${token.secret}` }))
}

function create ({ store, user, data }: Call): Answer {
  const token = createToken(store, user, data.get('name'))
  const shown = { token_key: token.key, token_secret: token.secret, consumer_key: token.consumer, name: token.name }
  return new Answer(200, JSON_TYPE, dumps(shown))
}

function remove ({ store, user, data }: Call): Answer {
  const token = find({ store, user }, mandatoryParameter(data, 'token_key'))
  store.tokens.delete(token.key)
  store.consumers.delete(token.consumer)
  return rc.deleted
}

/** Renames a key, which the form gives whole or by its token key. */
function rename ({ store, user, data }: Call): Answer {
  const key = mandatoryParameter(data, 'token')
  const name = mandatoryParameter(data, 'name')
  find({ store, user }, key.split(':')[1] ?? key).name = name
  return new Answer(200, 'text/plain', 'Accepted')
}

function find ({ store, user }: Pick<Call, 'store' | 'user'>, tokenKey: string): Token {
  const token = store.tokens.get(tokenKey)
  if (token === undefined || token.user !== user) throw notFound('Token')
  return token
}
