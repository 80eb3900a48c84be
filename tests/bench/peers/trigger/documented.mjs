// What Amplify's page "Create a user profile record" documents, with the SDK in the place of its data client: a row of its
// own for each call, written while the user waits. The data client would send the same through AppSync, one hop more.

import { randomUUID } from 'node:crypto'
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'

const dynamodb = new DynamoDBClient({})

export const handler = async (event) => {
  const { sub, email } = event.request.userAttributes
  const now = new Date().toISOString()
  const item = {
    id: { S: randomUUID() },
    __typename: { S: 'UserProfile' },
    email: { S: email },
    profileOwner: { S: `${sub}::${event.userName}` },
    createdAt: { S: now },
    updatedAt: { S: now },
  }
  await dynamodb.send(new PutItemCommand({ TableName: process.env.TABLE_NAME, Item: item }))
  return event
}
