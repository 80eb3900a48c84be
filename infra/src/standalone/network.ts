// A network that is there already, without asking AWS for it: a look-up would need credentials at synth.

import * as ec2 from 'aws-cdk-lib/aws-ec2'
import type { Construct } from 'constructs'

import type { NetworkProps } from '../worker/profile-worker.ts'
import type { Settings } from './settings.ts'

export function networkOf(scope: Construct, { network, access }: Pick<Settings, 'network' | 'access'>): NetworkProps {
  if (network === undefined) return { access }
  const { vpcId, subnetIds } = network
  // Zones are of no consequence for a task that is given its subnets; the CDK wants them as many as there are subnets.
  const availabilityZones = subnetIds.map((_, index) => `zone-${index + 1}`)
  const vpc = ec2.Vpc.fromVpcAttributes(scope, 'Vpc', {
    vpcId,
    availabilityZones,
    ...(access === 'public'
      ? { publicSubnetIds: [...subnetIds] }
      : access === 'nat'
        ? { privateSubnetIds: [...subnetIds] }
        : { isolatedSubnetIds: [...subnetIds] }),
  })
  const { publicSubnets, privateSubnets, isolatedSubnets } = vpc
  return { access, vpc, subnets: { subnets: [...publicSubnets, ...privateSubnets, ...isolatedSubnets] } }
}
