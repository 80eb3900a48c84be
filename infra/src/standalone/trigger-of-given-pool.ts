// A pool that another stack, or somebody's hand, has made: CloudFormation cannot change it from here. It is allowed to
// invoke the trigger, and an output says how it is told to.

import { CfnOutput, Fn, Stack } from 'aws-cdk-lib'
import type * as cognito from 'aws-cdk-lib/aws-cognito'
import * as iam from 'aws-cdk-lib/aws-iam'
import type * as lambda from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'

/**
 * UpdateUserPool sets every setting that it is not given to its default
 * (https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pool-updating.html), so the command that comes to
 * mind first would take other triggers, e-mail and SMS settings away.
 */
export function attachByHand(scope: Construct, trigger: lambda.Function, userPool: cognito.IUserPool): void {
  trigger.addPermission('GivenUserPool', {
    principal: new iam.ServicePrincipal('cognito-idp.amazonaws.com'),
    sourceArn: userPool.userPoolArn,
    sourceAccount: Stack.of(scope).account,
  })
  new CfnOutput(scope, 'AttachTrigger', {
    description: 'What remains to be done: the pool does not call the trigger yet',
    value: Fn.join('', [
      'Set PostConfirmation of pool ',
      userPool.userPoolId,
      ' to ',
      trigger.functionArn,
      ' where the pool is defined (CDK, Terraform, CloudFormation: LambdaConfig), or in the Cognito console (Lambda triggers).',
      ' Beware: aws cognito-idp update-user-pool --lambda-config alone resets every other setting of the pool.',
      ' Describe it first and give everything back: docs/standalone.md.',
    ]),
  })
}
