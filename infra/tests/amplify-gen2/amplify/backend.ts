import { defineBackend } from '@aws-amplify/backend'
import { ConfirmationIngress, ProfileWorker } from 'profile-worker-cdk'

import { auth } from './auth/resource'
import { postConfirmation } from './auth/post-confirmation/resource'
import { data } from './data/resource'

const backend = defineBackend({ auth, data, postConfirmation })

// In a stack of its own, to which nothing refers: it needs the queue of `auth` and the table of `data`.
const worker = new ProfileWorker(backend.createStack('ProfileWorker'), 'Worker', {
  ingress: ConfirmationIngress.of(backend.postConfirmation.resources.lambda),
  table: backend.data.resources.tables['UserProfile'],
  userPool: backend.auth.resources.userPool,
})

backend.addOutput(worker.amplifyOutputs)
