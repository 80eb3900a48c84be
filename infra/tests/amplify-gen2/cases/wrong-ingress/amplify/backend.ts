// A fault of the ingress is found in the callback of `defineFunction`, which has errors of its own.

import { defineBackend } from '@aws-amplify/backend'

import { auth } from './auth/resource'
import { postConfirmation } from './auth/post-confirmation/resource'

defineBackend({ auth, postConfirmation })
