import { defineFunction } from '@aws-amplify/backend'
import { ConfirmationIngress } from 'profile-worker-cdk'

// Trigger, queue and dead-letter queue, in the stack of the user pool. Nothing here refers to the data.
export const postConfirmation = defineFunction(
  (scope) => new ConfirmationIngress(scope, 'Confirmations').trigger,
  { resourceGroupName: 'auth' },
)
