// Confirmations through an EventBridge bus, where others may listen: bus, queue and worker in one stack, which refers to pool
// and table, and to which nothing refers.

import { defineBackend } from '@aws-amplify/backend'
import { Stack } from 'aws-cdk-lib'
import { ConfirmationIngress, ProfileWorker } from 'profile-worker-cdk'

import { data } from '../../../amplify/data/resource'
import { auth } from './auth/resource'
import { postConfirmation } from './auth/post-confirmation/resource'

const backend = defineBackend({ auth, data, postConfirmation })
const ingress = ConfirmationIngress.of(backend.postConfirmation.resources.lambda)

const worker = new ProfileWorker(Stack.of(ingress.queue), 'Worker', {
  ingress,
  table: backend.data.resources.tables['UserProfile'],
  userPool: backend.auth.resources.userPool,
})

backend.addOutput(worker.amplifyOutputs)
