// The worker as a template with parameters, for whoever deploys without Node. The construct makes it, with the model
// that Amplify documents: permissions and key follow the model, so another one wants the CDK. Alarms and dashboard are
// a template of their own (dashboards/cloudwatch/template.json), with parameters of the same names: together the two
// would be larger than CloudFormation takes without a bucket.

import { Aws, CfnCondition, CfnOutput, CfnResource, Fn, type Stack, Token, Validations } from 'aws-cdk-lib'
import * as appscaling from 'aws-cdk-lib/aws-applicationautoscaling'
import * as cognito from 'aws-cdk-lib/aws-cognito'
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb'
import * as ec2 from 'aws-cdk-lib/aws-ec2'
import * as ecs from 'aws-cdk-lib/aws-ecs'
import * as iam from 'aws-cdk-lib/aws-iam'
import * as scheduler from 'aws-cdk-lib/aws-scheduler'
import * as sqs from 'aws-cdk-lib/aws-sqs'

import { ProfileWorker } from '../worker/profile-worker.ts'
import { type WorkerParameters, declareParameters } from './worker-parameters.ts'

/** Fills the stack. */
export function workerTemplate(stack: Stack): void {
  const parameters = declareParameters(stack)
  const isPaused = new CfnCondition(stack, 'IsPaused', { expression: Fn.conditionEquals(parameters.Paused, 'yes') })
  const sameNumber = Fn.conditionEquals(parameters.MinTasks, parameters.MaxTasks)
  const scales = new CfnCondition(stack, 'Scales', {
    expression: Fn.conditionAnd(Fn.conditionNot(sameNumber), Fn.conditionNot(isPaused)),
  })
  const reason = 'Two parameters are compared, which differ by default and need not'
  Validations.of(stack).acknowledge({ id: 'CloudFormation-Validate::W8003', reason })
  const worker = new ProfileWorker(stack, 'Worker', {
    queue: queue(stack, 'Queue', parameters.QueueName.valueAsString),
    deadLetterQueue: queue(stack, 'DeadLetterQueue', parameters.DeadLetterQueueName.valueAsString),
    table: dynamodb.Table.fromTableName(stack, 'Table', parameters.TableName.valueAsString),
    userPool: cognito.UserPool.fromUserPoolId(stack, 'UserPool', parameters.UserPoolId.valueAsString),
    image: ecs.ContainerImage.fromRegistry(parameters.Image.valueAsString),
    network: { access: 'public', vpc: vpc(stack, parameters) },
  })
  worker.node.tryRemoveChild('Monitoring')

  for (const one of worker.node.findAll()) {
    if (one instanceof ecs.CfnTaskDefinition) {
      one.addPropertyOverride('RuntimePlatform.CpuArchitecture', parameters.CpuArchitecture.valueAsString)
    }
    if (one instanceof ecs.CfnService) serviceFollows(one, parameters, isPaused)
    if (one instanceof scheduler.CfnSchedule) scheduleFollows(one, parameters, isPaused)
    if (one instanceof appscaling.CfnScalableTarget) {
      one.minCapacity = parameters.MinTasks.valueAsNumber
      one.maxCapacity = parameters.MaxTasks.valueAsNumber
    }
    if (CfnResource.isCfnResource(one) && isOfScaling(one)) one.cfnOptions.condition = scales
    if (one instanceof CfnOutput) outputFollows(one, parameters)
  }
  pullFromEcr(stack, worker, parameters.ImageRepository.valueAsString)
}

function serviceFollows(
  service: ecs.CfnService,
  { MinTasks, AssignPublicIp }: WorkerParameters,
  isPaused: CfnCondition,
): void {
  service.desiredCount = Token.asNumber(Fn.conditionIf(isPaused.logicalId, 0, MinTasks.valueAsNumber))
  service.addPropertyOverride('CapacityProviderStrategy.0.Base', MinTasks.valueAsNumber)
  service.addPropertyOverride('NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp', AssignPublicIp.valueAsString)
}

function scheduleFollows(
  schedule: scheduler.CfnSchedule,
  { AssignPublicIp }: WorkerParameters,
  isPaused: CfnCondition,
): void {
  schedule.state = Fn.conditionIf(isPaused.logicalId, 'DISABLED', 'ENABLED').toString()
  const network = 'Target.EcsParameters.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp'
  schedule.addPropertyOverride(network, AssignPublicIp.valueAsString)
}

/** Called as the alarms' parameters are, and with the run-task lines' network as it is deployed. */
function outputFollows(output: CfnOutput, { AssignPublicIp }: WorkerParameters): void {
  output.overrideLogicalId(output.node.id === 'LogGroupName' ? 'WorkerLogGroup' : output.node.id)
  output.value = String(output.value).replace(
    '"assignPublicIp":"ENABLED"',
    `"assignPublicIp":"${AssignPublicIp.valueAsString}"`,
  )
}

/** Target and policies stand partly under the service, the alarm under the construct. */
const isOfScaling = (resource: CfnResource): boolean =>
  resource.cfnResourceType.startsWith('AWS::ApplicationAutoScaling::') || resource.node.path.includes('/Scaling/')

function queue(stack: Stack, id: string, queueName: string): sqs.IQueue {
  return sqs.Queue.fromQueueAttributes(stack, id, {
    queueArn: stack.formatArn({ service: 'sqs', resource: queueName }),
    queueUrl: `https://sqs.${Aws.REGION}.${Aws.URL_SUFFIX}/${Aws.ACCOUNT_ID}/${queueName}`,
    fifo: false,
  })
}

/** `access: 'public'` decides nothing but the public address, which is a parameter. */
function vpc(stack: Stack, { VpcId, SubnetA, SubnetB }: WorkerParameters): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: VpcId.valueAsString,
    availabilityZones: ['a', 'b'],
    publicSubnetIds: [SubnetA.valueAsString, SubnetB.valueAsString],
  })
}

/** What `ContainerImage.fromEcrRepository` would have given every execution role, if there is a repository. */
function pullFromEcr(stack: Stack, worker: ProfileWorker, repositoryName: string): void {
  const fromEcr = new CfnCondition(stack, 'PullsFromEcr', {
    expression: Fn.conditionNot(Fn.conditionEquals(repositoryName, '')),
  })
  const roles = worker.node.findAll().flatMap((one) => {
    return one instanceof ecs.TaskDefinition && one.executionRole !== undefined ? [one.executionRole] : []
  })
  const policy = new iam.Policy(stack, 'PullImage', {
    roles,
    statements: [
      new iam.PolicyStatement({
        actions: ['ecr:BatchCheckLayerAvailability', 'ecr:GetDownloadUrlForLayer', 'ecr:BatchGetImage'],
        resources: [stack.formatArn({ service: 'ecr', resource: 'repository', resourceName: repositoryName })],
      }),
      // A token is of the registry, not of a repository: this action knows no resource.
      new iam.PolicyStatement({ actions: ['ecr:GetAuthorizationToken'], resources: ['*'] }),
    ],
  })
  ;(policy.node.defaultChild as iam.CfnPolicy).cfnOptions.condition = fromEcr
}
