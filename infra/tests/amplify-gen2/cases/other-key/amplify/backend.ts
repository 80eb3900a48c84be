// The example with a schema whose key is none of the default model's: the worker would end with exit code 78, so that the
// synthesis has to say it.

import { defineBackend } from '@aws-amplify/backend'
import { ConfirmationIngress, ProfileWorker } from 'profile-worker-cdk'

import { auth } from '../../../amplify/auth/resource'
import { postConfirmation } from '../../../amplify/auth/post-confirmation/resource'
import { data } from './data/resource'

const backend = defineBackend({ auth, data, postConfirmation })

new ProfileWorker(backend.createStack('ProfileWorker'), 'Worker', {
  ingress: ConfirmationIngress.of(backend.postConfirmation.resources.lambda),
  table: backend.data.resources.tables['UserProfile'],
  userPool: backend.auth.resources.userPool,
})
