// The documented page "Create a user profile record", without any of ours: what the example is compared with.

import { defineBackend } from '@aws-amplify/backend'

import { auth } from './auth/resource'
import { data } from './data/resource'

defineBackend({ auth, data })
