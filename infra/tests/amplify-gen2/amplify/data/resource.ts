import { a, type ClientSchema, defineData } from '@aws-amplify/backend'

const schema = a.schema({
  UserProfile: a
    .model({
      email: a.string(),
      profileOwner: a.string(),
    })
    // Owners read and update. The worker creates; nobody needs `allow.resource(postConfirmation)`.
    .authorization((allow) => [allow.ownerDefinedIn('profileOwner').to(['read', 'update'])]),
})

export type Schema = ClientSchema<typeof schema>

export const data = defineData({
  schema,
  authorizationModes: {
    defaultAuthorizationMode: 'apiKey',
    apiKeyAuthorizationMode: { expiresInDays: 30 },
  },
})
