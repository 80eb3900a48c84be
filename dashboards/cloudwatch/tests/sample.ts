// A deployment to test with.

import type { Names } from '../names.ts'

export const SAMPLE: Names = {
  prefix: 'profiles-live',
  partition: 'aws',
  region: 'eu-central-1',
  account: '111122223333',
  queueName: 'profile-confirmations',
  deadLetterQueueName: 'profile-confirmations-dlq',
  functionName: 'post-confirmation',
  tableName: 'UserProfile-abcdefghijklmnopqrstuvwxyz-NONE',
  userPoolId: 'eu-central-1_A1b2C3d4E',
  workerLogGroup: '/ecs/profile-worker',
  triggerLogGroup: '/aws/lambda/post-confirmation',
  topics: { page: ['arn:aws:sns:eu-central-1:111122223333:page'], ticket: ['arn:aws:sns:eu-central-1:111122223333:ticket'] },
  repository: 'https://example.com/profile-worker/blob/main',
}
