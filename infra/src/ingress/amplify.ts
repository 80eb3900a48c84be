// What Amplify's backend says of itself in the CDK context, as far as it changes what is made. The key is Amplify's own
// (CDKContextKey.DEPLOYMENT_TYPE of @aws-amplify/platform-core) and no public interface: where it is missing, nothing is taken
// for a sandbox.

import { RemovalPolicy } from 'aws-cdk-lib'
import type { Construct } from 'constructs'

/** Whether this is a developer's own copy of the backend, made by `ampx sandbox`. */
export const inSandbox = (scope: Construct): boolean => scope.node.tryGetContext('amplify-backend-type') === 'sandbox'

/**
 * What becomes of things that hold confirmations when their stack goes. A stack that is deleted or renamed by mistake must
 * not take sign-ups along; queues left behind cost nothing and empty themselves at the end of their retention. One whose
 * first creation fails is removed all the same. A sandbox is thrown away daily and has nobody's confirmations.
 */
export const removalPolicyOf = (scope: Construct): RemovalPolicy =>
  inSandbox(scope) ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
