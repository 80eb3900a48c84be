// A ProfileWorker without a service, as in an Amplify sandbox, stands alone in its stack, and the stack has to be deployable.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { made } from './worker-stack.ts'

test('a stack without a service has a resource all the same, and none that costs or does anything', () => {
  const { template } = made({ service: false })
  const types = Object.values(template.toJSON().Resources as Record<string, { Type: string }>).map(({ Type }) => Type)
  assert.deepEqual(
    types.filter((type) => !/^AWS::(SQS|DynamoDB|Cognito)::/.test(type)),
    ['AWS::CloudFormation::WaitConditionHandle'],
  )
})
