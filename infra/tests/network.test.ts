// How the tasks reach AWS: nobody comes in, HTTPS goes out, and where there is no way out every service has an
// endpoint.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Duration } from 'aws-cdk-lib'
import type { Template } from 'aws-cdk-lib/assertions'
import * as ec2 from 'aws-cdk-lib/aws-ec2'
import * as ecs from 'aws-cdk-lib/aws-ecs'
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager'
import * as ssm from 'aws-cdk-lib/aws-ssm'

import type { ProfileWorkerProps } from '../src/index.ts'
import { IMAGE, VPC, made, surroundings } from './worker-stack.ts'

const image = ecs.ContainerImage.fromRegistry(IMAGE)

function network(template: Template): {
  readonly AssignPublicIp: string
  readonly Subnets: readonly any[]
  readonly SecurityGroups: readonly any[]
} {
  const [service] = Object.values(template.findResources('AWS::ECS::Service'))
  return service?.Properties.NetworkConfiguration.AwsvpcConfiguration
}

/** The services that have an endpoint, by the last part of the name. */
function endpoints(template: Template, kind: 'Interface' | 'Gateway'): readonly string[] {
  return Object.values(template.findResources('AWS::EC2::VPCEndpoint'))
    .filter(({ Properties }) => Properties.VpcEndpointType === kind)
    .map(({ Properties: { ServiceName } }) =>
      typeof ServiceName === 'string' ? ServiceName : ServiceName['Fn::Join'][1].at(-1),
    )
    .map((name: string) => name.replace(/^(com\.amazonaws\.[a-z0-9-]+)?\./, ''))
    .sort()
}

test('nothing comes in, and HTTPS alone goes out', () => {
  const { template } = made()
  const groups = Object.entries(template.findResources('AWS::EC2::SecurityGroup'))
  assert.equal(groups.length, 1)
  const [[id, { Properties }]] = groups as [[string, any]]
  assert.equal(Properties.SecurityGroupIngress, undefined)
  assert.deepEqual(Properties.SecurityGroupEgress, [
    { CidrIp: '0.0.0.0/0', IpProtocol: 'tcp', FromPort: 443, ToPort: 443, Description: 'AWS APIs' },
  ])
  template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 0)
  assert.deepEqual(network(template).SecurityGroups, [{ 'Fn::GetAtt': [id, 'GroupId'] }])
})

test('public: addresses for the tasks, no NAT gateway, and gateway endpoints that cost nothing', () => {
  const { template } = made()
  assert.equal(network(template).AssignPublicIp, 'ENABLED')
  template.resourceCountIs('AWS::EC2::NatGateway', 0)
  assert.deepEqual(endpoints(template, 'Interface'), [])
  assert.deepEqual(endpoints(template, 'Gateway'), ['dynamodb', 's3'])
  template.allResourcesProperties('AWS::EC2::Subnet', { MapPublicIpOnLaunch: false })
})

test('nat: one gateway, and tasks without an address', () => {
  const { template } = made({ network: { access: 'nat' } })
  assert.equal(network(template).AssignPublicIp, 'DISABLED')
  template.resourceCountIs('AWS::EC2::NatGateway', 1)
  assert.deepEqual(endpoints(template, 'Interface'), [])
})

test('endpoints: no way out, and an endpoint for each service that is called', () => {
  const of = (props: Partial<ProfileWorkerProps>): readonly string[] => {
    const { template } = made({ network: { access: 'endpoints' }, ...props })
    template.resourceCountIs('AWS::EC2::InternetGateway', 0)
    template.resourceCountIs('AWS::EC2::NatGateway', 0)
    assert.equal(network(template).AssignPublicIp, 'DISABLED')
    assert.deepEqual(endpoints(template, 'Gateway'), ['dynamodb', 's3'])
    return endpoints(template, 'Interface')
  }
  const always = ['ecr.api', 'ecr.dkr', 'logs', 'sqs']
  assert.deepEqual(of({}), ['cognito-idp', ...always])
  assert.deepEqual(of({ verifyLate: false }), ['cognito-idp', ...always], 'reconcile asks the pool')
  assert.deepEqual(of({ verifyLate: false, reconcile: false }), always)
  assert.deepEqual(of({ collector: { image } }), ['cognito-idp', ...always, 'xray'])
  assert.deepEqual(
    of({ collector: { image, config: 'receivers: {}' } }),
    ['cognito-idp', ...always],
    'what another configuration calls is not known',
  )
})

test('endpoints: the key of the hash has one too, wherever it is kept', () => {
  const keptIn = (key: (stack: ReturnType<typeof surroundings>['stack']) => ecs.Secret): readonly string[] =>
    endpoints(
      made((of) => ({ network: { access: 'endpoints' }, settings: { logHashKey: key(of.stack) } })).template,
      'Interface',
    )
  const secret = keptIn((stack) => ecs.Secret.fromSecretsManager(new secretsmanager.Secret(stack, 'Key')))
  assert.ok(secret.includes('secretsmanager') && !secret.includes('ssm'))
  const parameter = keptIn((stack) =>
    ecs.Secret.fromSsmParameter(
      ssm.StringParameter.fromSecureStringParameterAttributes(stack, 'Key', { parameterName: '/profiles/key' }),
    ),
  )
  assert.ok(parameter.includes('ssm') && !parameter.includes('secretsmanager'))
})

test('endpoints: the tasks alone come in, and names resolve to them', () => {
  const { template, stack, worker } = made({ network: { access: 'endpoints' } })
  const inline = Object.values(template.findResources('AWS::EC2::SecurityGroup')).map(
    ({ Properties }) => Properties.SecurityGroupIngress,
  )
  assert.deepEqual(inline, [undefined, undefined])
  const interfaces = Object.values(template.findResources('AWS::EC2::VPCEndpoint')).filter(
    ({ Properties }) => Properties.VpcEndpointType === 'Interface',
  )
  assert.ok(interfaces.every(({ Properties }) => Properties.PrivateDnsEnabled === true))
  const [service] = worker.service?.connections.securityGroups ?? []
  const ingress = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress')).map(
    ({ Properties }) => Properties,
  )
  assert.deepEqual(
    ingress.map(({ SourceSecurityGroupId, CidrIp, FromPort, ToPort }) => ({
      SourceSecurityGroupId,
      CidrIp,
      FromPort,
      ToPort,
    })),
    [{ SourceSecurityGroupId: stack.resolve(service?.securityGroupId), CidrIp: undefined, FromPort: 443, ToPort: 443 }],
  )
})

test('a VPC that was there is used as it is: no endpoint, no gateway, no route is added', () => {
  const subnets = { public: VPC.publicSubnetIds, nat: VPC.privateSubnetIds, endpoints: VPC.isolatedSubnetIds }
  for (const access of ['public', 'nat', 'endpoints'] as const) {
    const { template } = made((of) => ({ network: { access, vpc: ec2.Vpc.fromVpcAttributes(of.stack, 'Vpc', VPC) } }))
    assert.deepEqual(network(template).Subnets, subnets[access])
    const added = Object.values(template.toJSON().Resources as Record<string, { Type: string }>)
      .map(({ Type }) => Type)
      .filter((type) => type.startsWith('AWS::EC2::'))
    assert.deepEqual(added, ['AWS::EC2::SecurityGroup'])
  }
})

test('subnets by name are those and no others', () => {
  const { template } = made((of) => {
    const vpc = ec2.Vpc.fromVpcAttributes(of.stack, 'Vpc', VPC)
    const [, second] = vpc.privateSubnets
    return { network: { vpc, access: 'nat', subnets: { subnets: [second!] } } }
  })
  assert.deepEqual(network(template).Subnets, [VPC.privateSubnetIds[1]])
})

test('a VPC may be looked up, before the look-up has an answer', () => {
  for (const access of ['public', 'nat', 'endpoints'] as const) {
    const { template } = made((of) => ({
      network: { access, vpc: ec2.Vpc.fromLookup(of.stack, 'Vpc', { isDefault: true }) },
    }))
    template.resourceCountIs('AWS::ECS::Service', 1)
    template.resourceCountIs('AWS::EC2::VPC', 0)
  }
})

test('no task starts before its way out is there', () => {
  const { template } = made({ network: { access: 'endpoints' }, settings: { linger: Duration.millis(10) } })
  const [service] = Object.values(template.findResources('AWS::ECS::Service'))
  const missing = Object.keys(template.findResources('AWS::EC2::VPCEndpoint')).filter(
    (id) => !service?.DependsOn.includes(id),
  )
  assert.deepEqual(missing, [])
})
