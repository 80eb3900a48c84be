// A user pool, where there is none: people sign up by e-mail. It outlives its stack, because users cannot be moved to
// another pool with their passwords.

import { RemovalPolicy, Validations } from 'aws-cdk-lib'
import * as cognito from 'aws-cdk-lib/aws-cognito'
import { Construct } from 'constructs'

export class NewUserPool extends Construct {
  readonly userPool: cognito.UserPool
  /** For browsers and apps: it has no secret. */
  readonly client: cognito.UserPoolClient

  constructor(scope: Construct, id: string) {
    super(scope, id)
    this.userPool = new cognito.UserPool(this, 'Pool', {
      selfSignUpEnabled: true,
      signInAliases: { email: true },
      signInCaseSensitive: false,
      autoVerify: { email: true },
      accountRecovery: cognito.AccountRecovery.EMAIL_ONLY,
      passwordPolicy: {
        minLength: 12,
        requireLowercase: true,
        requireUppercase: true,
        requireDigits: true,
        requireSymbols: true,
      },
      mfa: cognito.Mfa.OPTIONAL,
      mfaSecondFactor: { sms: false, otp: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    })
    this.client = this.userPool.addClient('App', {
      authFlows: { userSrp: true },
      preventUserExistenceErrors: true,
      // Without hosted pages there is nothing to come back to.
      disableOAuth: true,
    })
    Validations.of(this.userPool).acknowledge(
      {
        id: 'AwsSolutions::AwsSolutions-COG2',
        reason: 'Users may have a second factor; whether they must is for the application to decide',
      },
      {
        id: 'AwsSolutions::AwsSolutions-COG8',
        reason: 'The plus tier is billed by user; whether it is worth it is for the application to decide',
      },
    )
  }
}
