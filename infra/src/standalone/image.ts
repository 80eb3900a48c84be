// The image by its name. One of ECR must be known as such: only then may the tasks' execution role pull it.

import { Arn, Stack } from 'aws-cdk-lib'
import * as ecr from 'aws-cdk-lib/aws-ecr'
import * as ecs from 'aws-cdk-lib/aws-ecs'
import type { Construct } from 'constructs'

/** `undefined` leaves the default to {@link ProfileWorker}. */
export function imageOf(scope: Construct, name: string | undefined): ecs.ContainerImage | undefined {
  if (name === undefined) return undefined
  const inEcr = /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/([^:@]+)(?:[:@](.+))?$/.exec(name)
  if (inEcr === null) return ecs.ContainerImage.fromRegistry(name)
  const [, account, region, repositoryName, tagOrDigest] = inEcr as unknown as [string, string, string, string, string?]
  const repository = ecr.Repository.fromRepositoryAttributes(scope, 'Image', {
    repositoryName,
    repositoryArn: Arn.format(
      { service: 'ecr', resource: 'repository', resourceName: repositoryName, account, region },
      Stack.of(scope),
    ),
  })
  return ecs.ContainerImage.fromEcrRepository(repository, tagOrDigest)
}
