// What worker and jobs work on, once the props are known to be right.

import type * as cognito from 'aws-cdk-lib/aws-cognito'
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb'
import type * as kms from 'aws-cdk-lib/aws-kms'
import type * as sqs from 'aws-cdk-lib/aws-sqs'

import type { TriggerSource } from '../ingress/confirmation-ingress.ts'
import type { ProfileModel } from '../model.ts'

export interface Places {
  readonly queue: sqs.IQueue
  readonly deadLetterQueue: sqs.IQueue
  readonly table: dynamodb.ITable
  /** The first is the one that jobs work on. */
  readonly userPools: readonly [cognito.IUserPool, ...cognito.IUserPool[]]
  /** The queues' own key, if they have one. */
  readonly queueKey?: kms.IKey
  /** The table's own key, if it has one. */
  readonly tableKey?: kms.IKey
  readonly model: ProfileModel
  readonly triggerSources: readonly TriggerSource[]
}
