// Is this an Amplify sandbox? There a developer's machine does the work, and a service that costs money every hour would be
// forgotten. The context key is Amplify's own (`amplify-backend-type`: sandbox, branch, standalone) and semi-private: without
// it this is no sandbox.

import type { Construct } from 'constructs'

export function isSandbox(scope: Construct): boolean {
  return scope.node.tryGetContext('amplify-backend-type') === 'sandbox'
}
