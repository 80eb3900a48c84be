import { defineFunction } from '@aws-amplify/backend'
import { Duration } from 'aws-cdk-lib'
import { ConfirmationIngress } from 'profile-worker-cdk'

export const postConfirmation = defineFunction(
  (scope) => new ConfirmationIngress(scope, 'Confirmations', { retention: Duration.days(14) }).trigger,
  { resourceGroupName: 'auth' },
)
