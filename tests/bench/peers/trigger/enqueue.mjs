// The same work as the trigger's, in Node: one message that says who was confirmed, and the event back.

import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'

const sqs = new SQSClient({})

export const handler = async (event) => {
  const { sub, email, email_verified: verified } = event.request.userAttributes
  const body = {
    v: 1,
    kind: 'user.confirmed',
    source: 'cognito.trigger',
    trigger: event.triggerSource.replace('PostConfirmation_', ''),
    userPoolId: event.userPoolId,
    region: event.region,
    sub,
    username: event.userName,
    email,
    emailVerified: verified === 'true',
    observedAt: new Date().toISOString(),
  }
  const message = { QueueUrl: process.env.QUEUE_URL, MessageBody: JSON.stringify(body), MessageGroupId: 'live' }
  await sqs.send(new SendMessageCommand(message))
  return event
}
