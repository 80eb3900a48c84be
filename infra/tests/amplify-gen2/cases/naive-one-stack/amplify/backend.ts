// What comes to mind first, and cannot be deployed: queue, trigger and worker together in one stack. The pool then needs
// that stack for its trigger, that stack needs the table, and the API needs the pool.

import { defineBackend } from '@aws-amplify/backend'
import { UserPool, UserPoolOperation } from 'aws-cdk-lib/aws-cognito'
import { ConfirmationIngress, ProfileWorker } from 'profile-worker-cdk'

import { data } from '../../../amplify/data/resource'
import { auth } from './auth/resource'

const backend = defineBackend({ auth, data })
const stack = backend.createStack('Profiles')
const ingress = new ConfirmationIngress(stack, 'Confirmations')
const userPool = backend.auth.resources.userPool as UserPool

userPool.addTrigger(UserPoolOperation.POST_CONFIRMATION, ingress.trigger)
new ProfileWorker(stack, 'Worker', { ingress, table: backend.data.resources.tables['UserProfile'], userPool })
