import { defineFunction } from '@aws-amplify/backend'
import { NestedStack, Stack } from 'aws-cdk-lib'
import { ConfirmationIngress } from 'profile-worker-cdk'

// `backend.createStack` is not there yet when this runs, so the stack for bus, queue and worker is made here. The trigger
// knows the bus by its name alone: the stack of the pool refers to nothing.
export const postConfirmation = defineFunction(
  (scope) => {
    const receiver = new NestedStack(Stack.of(scope).nestedStackParent!, 'ProfileWorker')
    return new ConfirmationIngress(scope, 'Confirmations', { eventBridge: { receiver } }).trigger
  },
  { resourceGroupName: 'auth' },
)
