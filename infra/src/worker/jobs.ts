// The jobs as task definitions, each with a role of its own, and the schedule of `reconcile`. They run when somebody starts
// them (`aws ecs run-task`, printed as outputs) and are never a service.

import type * as ec2 from 'aws-cdk-lib/aws-ec2'
import type * as ecs from 'aws-cdk-lib/aws-ecs'
import type * as logs from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'

import type { Places } from './places.ts'
import type { ReconcileProps } from './profile-worker.ts'

export interface JobsProps {
  readonly places: Places
  readonly cluster: ecs.ICluster
  readonly image: ecs.ContainerImage
  readonly architecture: ecs.CpuArchitecture
  readonly logGroup: logs.ILogGroup
  /** Of worker and jobs alike: places, model, pools, log settings (environment.ts). */
  readonly environment: Readonly<Record<string, string>>
  readonly secrets: Readonly<Record<string, ecs.Secret>>
  readonly vpc: ec2.IVpc
  readonly subnets: ec2.SubnetSelection
  readonly securityGroup: ec2.ISecurityGroup
  readonly assignPublicIp: boolean
  readonly reconcile: ReconcileProps | false
  /** No schedule is enabled; the task definitions are there. */
  readonly paused: boolean
}

export class Jobs extends Construct {
  constructor(scope: Construct, id: string, _props: JobsProps) {
    super(scope, id)
  }
}
