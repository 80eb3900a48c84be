// What an application asks of its profiles, word by word as Amplify's client sends it.

const FIELDS = 'id email profileOwner createdAt updatedAt'

export const GET = `query ($id: ID!) { getUserProfile(id: $id) { ${FIELDS} } }`
export const LIST = `query { listUserProfiles { items { ${FIELDS} } nextToken } }`
export const CREATE = `mutation ($input: CreateUserProfileInput!) { createUserProfile(input: $input) { ${FIELDS} } }`
export const UPDATE = `mutation ($input: UpdateUserProfileInput!) { updateUserProfile(input: $input) { ${FIELDS} } }`
export const DELETE = `mutation ($input: DeleteUserProfileInput!) { deleteUserProfile(input: $input) { ${FIELDS} } }`
