// Trigger, queue and dead-letter queue as a template with parameters, for whoever deploys without Node; with a pool and
// a table, if there are none. The constructs make it, and this only puts parameters where the app has settings.

import { CfnCondition, CfnOutput, CfnParameter, CfnResource, Fn, type Stack, Validations } from 'aws-cdk-lib'
import * as cognito from 'aws-cdk-lib/aws-cognito'
import * as lambda from 'aws-cdk-lib/aws-lambda'
import type { IConstruct } from 'constructs'

import { ConfirmationIngress } from '../ingress/confirmation-ingress.ts'
import { USER_PROFILE } from '../model.ts'
import { NewTable } from './new-table.ts'
import { NewUserPool } from './new-user-pool.ts'
import { TABLE_NAME, USER_POOL_ID } from './parameter-patterns.ts'
import { attachByHand } from './trigger-of-given-pool.ts'

/** Fills the stack. Its outputs are called as the parameters of the worker's template and of the alarms' are. */
export function ingressTemplate(stack: Stack): void {
  const bucketNameParam = new CfnParameter(stack, 'TriggerCodeBucket', {
    description: 'S3 bucket of this region that holds the zip of the trigger',
    allowedPattern: '[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]',
  })
  const objectKeyParam = new CfnParameter(stack, 'TriggerCodeKey', {
    description:
      'Key of the zip in that bucket; its file bootstrap is producer-lambda. Another version wants another key: ' +
      'CloudFormation does not see that an object has changed',
    minLength: 1,
    maxLength: 1024,
  })
  const architecture = new CfnParameter(stack, 'TriggerArchitecture', {
    description: 'What the zip was built for',
    default: 'arm64',
    allowedValues: ['arm64', 'x86_64'],
  })
  const onEnqueueFailure = new CfnParameter(stack, 'OnEnqueueFailure', {
    description: 'What becomes of a sign-up whose message could not be sent: pass lets it go on, fail shows an error',
    default: 'pass',
    allowedValues: ['pass', 'fail'],
  })
  const userPoolId = new CfnParameter(stack, 'UserPoolId', {
    description: 'A user pool of this region and account. Empty: a new one, with the trigger attached',
    default: '',
    allowedPattern: `(${USER_POOL_ID})?`,
  })
  const tableName = new CfnParameter(stack, 'TableName', {
    description: 'A table of this region and account whose partition key is id (S). Empty: a new one',
    default: '',
    allowedPattern: `(${TABLE_NAME})?`,
  })
  const makesUserPool = new CfnCondition(stack, 'MakesUserPool', {
    expression: Fn.conditionEquals(userPoolId.valueAsString, ''),
  })
  const takesUserPool = new CfnCondition(stack, 'TakesUserPool', { expression: Fn.conditionNot(makesUserPool) })
  const makesTable = new CfnCondition(stack, 'MakesTable', {
    expression: Fn.conditionEquals(tableName.valueAsString, ''),
  })

  const ingress = new ConfirmationIngress(stack, 'Confirmations', {
    code: lambda.Code.fromCfnParameters({ bucketNameParam, objectKeyParam }),
  })
  const trigger = ingress.trigger
  const resource = trigger.node.defaultChild as lambda.CfnFunction
  resource.architectures = [architecture.valueAsString]
  resource.addPropertyOverride('Environment.Variables.ON_ENQUEUE_FAILURE', onEnqueueFailure.valueAsString)

  const users = new NewUserPool(stack, 'Users')
  users.userPool.addTrigger(cognito.UserPoolOperation.POST_CONFIRMATION, trigger)
  only(makesUserPool, users)
  // Its Lambda permission stands beside the pool, that of a given one beside the function.
  attachByHand(stack, trigger, cognito.UserPool.fromUserPoolId(stack, 'UserPool', userPoolId.valueAsString))
  only(takesUserPool, trigger.node.findChild('GivenUserPool'))
  ;(stack.node.findChild('AttachTrigger') as CfnOutput).condition = takesUserPool
  const profiles = new NewTable(stack, 'Profiles', { model: USER_PROFILE })
  only(makesTable, profiles)

  const reason = 'Fn::If names a resource in the branch in which it is made'
  Validations.of(stack).acknowledge({ id: 'CloudFormation-Validate::W1001', reason })
  const output = (id: string, description: string, value: string, condition?: CfnCondition): void => {
    const made = new CfnOutput(stack, `Output${id}`, { description, value, condition })
    // The parameters have the outputs' names, which CloudFormation allows and the CDK's construct ids do not.
    made.overrideLogicalId(id)
  }
  output('QueueName', 'Of the queue of confirmations', ingress.queue.queueName)
  output('QueueUrl', 'Of the same', ingress.queue.queueUrl)
  output('DeadLetterQueueName', 'Of the dead-letter queue', ingress.deadLetterQueue.queueName)
  output('DeadLetterQueueUrl', 'Of the same', ingress.deadLetterQueue.queueUrl)
  output('FunctionName', 'Of the trigger', trigger.functionName)
  output('TriggerLogGroup', 'Log group of the trigger', trigger.logGroup.logGroupName)
  output('UserPoolId', 'The pool', either(makesUserPool, users.userPool.userPoolId, userPoolId.valueAsString))
  output(
    'UserPoolClientId',
    'For the application: a client without a secret',
    users.client.userPoolClientId,
    makesUserPool,
  )
  output('TableName', 'The table', either(makesTable, profiles.table.tableName, tableName.valueAsString))
}

const either = (condition: CfnCondition, one: string, other: string): string =>
  Fn.conditionIf(condition.logicalId, one, other).toString()

/** Nothing of `scope` is made unless `condition` holds. */
export function only(condition: CfnCondition, scope: IConstruct): void {
  for (const one of scope.node.findAll()) {
    if (CfnResource.isCfnResource(one)) one.cfnOptions.condition = condition
  }
}
