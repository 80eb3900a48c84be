// How the tasks reach AWS, and that nobody reaches them: no listener, no ingress, egress by HTTPS alone. A VPC that was
// given is used as it is and nothing is added to it: endpoints with private DNS may stand there already, and two of one
// service in one VPC are refused.

import { Validations } from 'aws-cdk-lib'
import * as ec2 from 'aws-cdk-lib/aws-ec2'
import { Construct } from 'constructs'

import type { NetworkProps } from './props.ts'

export type Access = NonNullable<NetworkProps['access']>

/** Where the tasks run when no subnets are named. */
export const SUBNET_TYPE: Readonly<Record<Access, ec2.SubnetType>> = {
  public: ec2.SubnetType.PUBLIC,
  endpoints: ec2.SubnetType.PRIVATE_ISOLATED,
  nat: ec2.SubnetType.PRIVATE_WITH_EGRESS,
}

/** What the tasks call beside SQS, DynamoDB, CloudWatch Logs and the registry, and so need a way to. */
export interface Calls {
  readonly cognito: boolean
  readonly xray: boolean
  readonly secretsManager: boolean
  readonly parameterStore: boolean
}

export interface NetworkOf {
  readonly access: Access
  /** @default one of its own */
  readonly vpc?: ec2.IVpc
  readonly subnets?: ec2.SubnetSelection
  readonly calls: Calls
}

/**
 * The services that the tasks of an own VPC without a way out reach through interface endpoints. Each has one by AWS's
 * list "AWS services that integrate with AWS PrivateLink". Metrics in the embedded format go through CloudWatch Logs,
 * and KMS is called by SQS, not by the tasks.
 */
export function interfaceServices(calls: Calls): Readonly<Record<string, ec2.InterfaceVpcEndpointAwsService>> {
  const { SQS, CLOUDWATCH_LOGS, ECR, ECR_DOCKER, COGNITO_IDP, XRAY, SECRETS_MANAGER, SSM } =
    ec2.InterfaceVpcEndpointAwsService
  return {
    Sqs: SQS,
    Logs: CLOUDWATCH_LOGS,
    EcrApi: ECR,
    EcrDkr: ECR_DOCKER,
    ...(calls.cognito && { CognitoIdp: COGNITO_IDP }),
    ...(calls.xray && { XRay: XRAY }),
    ...(calls.secretsManager && { SecretsManager: SECRETS_MANAGER }),
    ...(calls.parameterStore && { Ssm: SSM }),
  }
}

export class Network extends Construct {
  readonly vpc: ec2.IVpc
  readonly subnets: ec2.SubnetSelection
  readonly securityGroup: ec2.SecurityGroup
  readonly assignPublicIp: boolean

  constructor(scope: Construct, id: string, of: NetworkOf) {
    super(scope, id)
    this.vpc = of.vpc ?? this.#ownVpc(of.access)
    this.subnets = of.subnets ?? { subnetType: SUBNET_TYPE[of.access] }
    this.assignPublicIp = of.access === 'public'
    this.securityGroup = new ec2.SecurityGroup(this, 'Tasks', {
      vpc: this.vpc,
      description: 'Profile worker: nothing comes in, HTTPS goes out',
      allowAllOutbound: false,
    })
    // Every call is HTTPS. The VPC's resolver and the task's metadata are not subject to security groups.
    this.securityGroup.addEgressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(443), 'AWS APIs')
    if (of.vpc === undefined && of.access === 'endpoints') this.#interfaceEndpoints(of.calls)
  }

  #ownVpc(access: Access): ec2.Vpc {
    const vpc = new ec2.Vpc(this, 'Vpc', {
      maxAzs: 2,
      natGateways: access === 'nat' ? 1 : 0,
      // The group that EC2 makes by itself would let members talk to each other; nothing uses it. Emptying it takes a
      // custom resource with a function, which is more than it is worth here.
      restrictDefaultSecurityGroup: false,
      subnetConfiguration: [
        // Public addresses are given to tasks one by one (assignPublicIp), never by the subnet.
        ...(access === 'endpoints'
          ? []
          : [{ name: 'Public', subnetType: ec2.SubnetType.PUBLIC, cidrMask: 24, mapPublicIpOnLaunch: false }]),
        ...(access === 'public' ? [] : [{ name: 'Private', subnetType: SUBNET_TYPE[access], cidrMask: 24 }]),
      ],
      // Gateway endpoints cost nothing: DynamoDB for the rows, S3 for the layers of images in ECR.
      gatewayEndpoints: {
        DynamoDb: { service: ec2.GatewayVpcEndpointAwsService.DYNAMODB },
        S3: { service: ec2.GatewayVpcEndpointAwsService.S3 },
      },
    })
    Validations.of(vpc).acknowledge({
      id: 'AwsSolutions::AwsSolutions-VPC7',
      reason: 'Nothing listens, and the tasks speak HTTPS to AWS alone; who wants flow logs gives a VPC that has them',
    })
    return vpc
  }

  #interfaceEndpoints(calls: Calls): void {
    const securityGroup = new ec2.SecurityGroup(this, 'Endpoints', {
      vpc: this.vpc,
      description: 'Endpoints of the profile worker: its tasks come in',
      allowAllOutbound: false,
    })
    securityGroup.addIngressRule(this.securityGroup, ec2.Port.tcp(443), 'Tasks of the profile worker')
    for (const [name, service] of Object.entries(interfaceServices(calls))) {
      this.vpc.addInterfaceEndpoint(name, {
        service,
        subnets: this.subnets,
        securityGroups: [securityGroup],
        open: false,
        privateDnsEnabled: true,
      })
    }
  }
}
