// Who may call what. One function for each command, each with what its code calls and nothing else; docs/configuration.md
// and docs/jobs.md say why. The batch operations of SQS are authorised by the single ones.

import type * as iam from 'aws-cdk-lib/aws-iam'

import type { Places } from './places.ts'

/** What `run` needs beside the places. */
export interface RunNeeds {
  readonly writeStrategy: 'auto' | 'put' | 'batch'
  readonly verifyLate: boolean
}

export function grantRun(_role: iam.IRole, _places: Places, _needs: RunNeeds): void {
  throw new Error('not yet')
}
