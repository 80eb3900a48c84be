// A confirmation as Cognito tells it, and the item that must come of it.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { REPOSITORY } from './running.ts'

interface Event {
  readonly request: { readonly userAttributes: Readonly<Record<string, string>> }
}

const EVENT = JSON.parse(
  readFileSync(join(REPOSITORY, 'domain/tests/fixtures/events/self-sign-up.json'), 'utf8'),
) as Event

/** Who signs up. */
export const SUB = EVENT.request.userAttributes.sub!

/** The event, on one line. */
export const confirmation = (): string => JSON.stringify(EVENT)

/** The item of who signs up, if there is one. */
export async function itemOf(env: Readonly<Record<string, string>>): Promise<{ id: { S: string } } | undefined> {
  const answer = await fetch(env.AWS_ENDPOINT_URL_DYNAMODB!, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'DynamoDB_20120810.GetItem',
      'x-amz-date': '20260101T000000Z',
      // Its form is asked for, nothing is checked.
      authorization:
        'AWS4-HMAC-SHA256 Credential=local/20260101/eu-central-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
    },
    body: JSON.stringify({ TableName: env.TABLE_NAME, Key: { id: { S: SUB } }, ConsistentRead: true }),
  })
  const body = await answer.text()
  if (!answer.ok) throw new Error(`GetItem: ${body}`)
  return (JSON.parse(body) as { Item?: { id: { S: string } } }).Item
}
