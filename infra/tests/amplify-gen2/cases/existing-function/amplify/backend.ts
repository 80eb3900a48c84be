// A pool that has its PostConfirmation function already: queue and dead-letter queue beside it, no trigger of ours.

import { defineBackend } from '@aws-amplify/backend'
import { Stack } from 'aws-cdk-lib'
import { ConfirmationIngress, ProfileWorker } from 'profile-worker-cdk'

import { data } from '../../../amplify/data/resource'
import { auth } from './auth/resource'
import { postConfirmation } from './auth/post-confirmation/resource'

const backend = defineBackend({ auth, data, postConfirmation })
const { lambda } = backend.postConfirmation.resources

const ingress = new ConfirmationIngress(Stack.of(lambda), 'Confirmations', { trigger: false })
ingress.grantSend(lambda)
for (const [name, value] of Object.entries(ingress.environment)) backend.postConfirmation.addEnvironment(name, value)

const worker = new ProfileWorker(backend.createStack('ProfileWorker'), 'Worker', {
  ingress,
  table: backend.data.resources.tables['UserProfile'],
  userPool: backend.auth.resources.userPool,
})

backend.addOutput(worker.amplifyOutputs)
