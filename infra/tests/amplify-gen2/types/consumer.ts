// What a user's compiler knows of the package: types, and not `any`. Compiled once as `npm create amplify` sets up a project
// and once with Node's own resolution.

import { ConfirmationIngress, type ProfileModel, ProfileWorker, USER_PROFILE } from 'profile-worker-cdk'
import type { Stack } from 'aws-cdk-lib'
import type { UserPool } from 'aws-cdk-lib/aws-cognito'
import type { Table } from 'aws-cdk-lib/aws-dynamodb'

export function make(stack: Stack, table: Table, userPool: UserPool): ProfileWorker {
  const ingress = new ConfirmationIngress(stack, 'Confirmations', { onEnqueueFailure: 'pass' })
  userPool.node.addDependency(ingress.trigger)
  return new ProfileWorker(stack, 'Worker', { ingress, table, userPool, model: USER_PROFILE, capacity: { min: 2 } })
}

export function refused(stack: Stack, table: Table, userPool: UserPool): void {
  // @ts-expect-error a table is required
  new ProfileWorker(stack, 'NoTable', { userPool })
  // @ts-expect-error there are two answers
  new ConfirmationIngress(stack, 'Maybe', { onEnqueueFailure: 'maybe' })
  // @ts-expect-error a pool is no table
  new ProfileWorker(stack, 'Swapped', { table: userPool, userPool: table })
  // @ts-expect-error a model has a key
  const model: ProfileModel = { type: 'UserProfile' }
  new ProfileWorker(stack, 'Model', { table, userPool, model })
  // @ts-expect-error nested types are known too
  new ProfileWorker(stack, 'Capacity', { table, userPool, capacity: { min: 'two' } })
}
