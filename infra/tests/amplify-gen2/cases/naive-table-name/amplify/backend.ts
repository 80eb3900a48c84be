// What comes to mind second, and cannot be deployed either: a trigger in the right stack that is told the table's name. The
// API needs the pool, the pool its trigger, and the trigger the API.

import { defineBackend } from '@aws-amplify/backend'
import type { Function } from 'aws-cdk-lib/aws-lambda'

import { auth } from '../../../amplify/auth/resource'
import { postConfirmation } from '../../../amplify/auth/post-confirmation/resource'
import { data } from '../../../amplify/data/resource'

const backend = defineBackend({ auth, data, postConfirmation })
const trigger = backend.postConfirmation.resources.lambda as Function

trigger.addEnvironment('TABLE_NAME', backend.data.resources.tables['UserProfile'].tableName)
