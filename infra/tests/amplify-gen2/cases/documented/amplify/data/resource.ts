// The documented page's data as it stands there: owners may do everything with their rows, the function may mutate.

import { a, type ClientSchema, defineData } from '@aws-amplify/backend'

import { postConfirmation } from '../auth/post-confirmation/resource'

const schema = a
  .schema({
    UserProfile: a
      .model({
        email: a.string(),
        profileOwner: a.string(),
      })
      .authorization((allow) => [allow.ownerDefinedIn('profileOwner')]),
  })
  .authorization((allow) => [allow.resource(postConfirmation)])

export type Schema = ClientSchema<typeof schema>

export const data = defineData({
  schema,
  authorizationModes: {
    defaultAuthorizationMode: 'apiKey',
    apiKeyAuthorizationMode: { expiresInDays: 30 },
  },
})
