// Amplify's own way to one row for each owner: the owner is the key, and there is no id.

import { a, defineData } from '@aws-amplify/backend'

const schema = a.schema({
  UserProfile: a
    .model({
      email: a.string(),
      profileOwner: a.string().required(),
    })
    .identifier(['profileOwner'])
    .authorization((allow) => [allow.ownerDefinedIn('profileOwner').to(['read', 'update'])]),
})

export const data = defineData({ schema, authorizationModes: { defaultAuthorizationMode: 'userPool' } })
