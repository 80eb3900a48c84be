// What the ingress makes by default and by its props, and whom it lets do what.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions'
import * as iam from 'aws-cdk-lib/aws-iam'
import * as lambda from 'aws-cdk-lib/aws-lambda'
import * as logs from 'aws-cdk-lib/aws-logs'

import { ConfirmationIngress } from '../src/index.ts'
import { ENV, errorOf, ingressIn, only, plain, resources, stackOf, statements } from './ingress-stack.ts'
import { triggerZipFile } from './trigger-zip.ts'

const QUEUE = 'AWS::SQS::Queue'
const POLICY = 'AWS::SQS::QueuePolicy'

const properties = (stack: Stack, name: string): any => {
  const found = Object.entries(resources(stack, QUEUE)).find(([id]) => id.endsWith(name))
  assert.ok(found, name)
  return plain(found[1].Properties)
}

test('a queue whose messages go to a dead-letter queue that keeps them for longer', () => {
  const stack = stackOf()
  ingressIn(stack)
  const { QueueName, ...queue } = properties(stack, 'Queue')
  assert.deepEqual(queue, {
    MessageRetentionPeriod: 4 * 24 * 3600,
    VisibilityTimeout: 60,
    RedrivePolicy: { deadLetterTargetArn: '<DeadLetters.Arn>', maxReceiveCount: 100 },
    SqsManagedSseEnabled: true,
  })
  assert.deepEqual(properties(stack, 'DeadLetters'), {
    MessageRetentionPeriod: 14 * 24 * 3600,
    RedriveAllowPolicy: {
      redrivePermission: 'byQueue',
      sourceQueueArns: [`arn:\${AWS::Partition}:sqs:eu-central-1:111122223333:${QueueName}`],
    },
    SqsManagedSseEnabled: true,
  })
  Template.fromStack(stack).resourceCountIs(QUEUE, 2)
})

test('the name of the queue is of this stack, as long as it lives, and short enough for SQS', () => {
  const named = (id: string, at: (stack: Stack) => Stack = (stack) => stack): string => {
    const stack = at(stackOf(id))
    ingressIn(stack)
    return properties(stack, 'Queue').QueueName
  }
  // The third part of a stack's id is its UUID, of whose first eight digits the name is.
  const suffix = '-${AWS::StackId}/split(/)[2]/split(-)[0]'
  assert.ok(named('Auth').endsWith(suffix))
  assert.notEqual(named('Auth'), named('Other'))
  const longest = named('A'.repeat(128)).slice(0, -suffix.length)
  assert.ok(longest.length + '-12345678'.length <= 80, longest)
  assert.match(longest, /^[\w-]+$/)
})

test('both queues refuse plain HTTP and other accounts, and the policies allow nobody anything', () => {
  const stack = stackOf()
  ingressIn(stack)
  for (const name of ['Queue', 'DeadLetters']) {
    const of = statements(stack, POLICY, new RegExp(`${name}Policy$`))
    assert.deepEqual(of, [
      {
        Effect: 'Deny',
        Principal: { AWS: '*' },
        Action: 'sqs:*',
        Resource: `<${name}.Arn>`,
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
      {
        Sid: 'OurAccountOnly',
        Effect: 'Deny',
        Principal: { AWS: '*' },
        Action: ['sqs:SendMessage', 'sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility'],
        Resource: `<${name}.Arn>`,
        Condition: {
          StringNotEquals: { 'aws:PrincipalAccount': '${AWS::AccountId}' },
          BoolIfExists: { 'aws:PrincipalIsAWSService': 'false' },
        },
      },
    ])
  }
})

test('the trigger: what Lambda runs, for how long, and where it logs', () => {
  const stack = stackOf()
  ingressIn(stack)
  const { Code, Description, ...fn } = plain(only(stack, 'AWS::Lambda::Function').Properties)
  assert.match(Code.S3Key, /\.zip$/)
  assert.ok(Description.length > 0)
  assert.deepEqual(fn, {
    Runtime: 'provided.al2023',
    Handler: 'bootstrap',
    Architectures: ['arm64'],
    MemorySize: 256,
    Timeout: 4,
    Environment: {
      Variables: {
        QUEUE_URL: '<Queue>',
        ON_ENQUEUE_FAILURE: 'pass',
        TRIGGER_SOURCES: 'ConfirmSignUp,ConfirmForgotPassword',
      },
    },
    LoggingConfig: { LogFormat: 'Text', LogGroup: '<TriggerLogs>' },
    Role: '<TriggerRole.Arn>',
  })
  assert.equal(only(stack, 'AWS::Logs::LogGroup').Properties.RetentionInDays, 30)
})

test('the role of the trigger sends and logs, to its queue and its log group, and nothing else', () => {
  const stack = stackOf()
  ingressIn(stack)
  assert.deepEqual(statements(stack, 'AWS::IAM::Policy'), [
    {
      Sid: 'Log',
      Effect: 'Allow',
      Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      // Of a log group, Arn ends with `:*`.
      Resource: '<TriggerLogs.Arn>',
    },
    { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: '<Queue.Arn>' },
  ])
  const role = only(stack, 'AWS::IAM::Role').Properties
  assert.equal(role.ManagedPolicyArns, undefined)
  assert.deepEqual(role.AssumeRolePolicyDocument.Statement[0].Principal, { Service: 'lambda.amazonaws.com' })
})

test('every prop of the trigger arrives', () => {
  const stack = stackOf()
  const ingress = ingressIn(stack, {
    architecture: lambda.Architecture.X86_64,
    code: lambda.Code.fromAsset(triggerZipFile({ machine: 'x86_64' })),
    memorySize: 512,
    tracing: true,
    onEnqueueFailure: 'fail',
    forwardAttributes: ['custom:tenant', 'locale'],
    triggerSources: ['ConfirmSignUp'],
    logRetention: logs.RetentionDays.ONE_WEEK,
  })
  const fn = plain(only(stack, 'AWS::Lambda::Function').Properties)
  assert.deepEqual(fn.Architectures, ['x86_64'])
  assert.equal(fn.MemorySize, 512)
  assert.deepEqual(fn.TracingConfig, { Mode: 'Active' })
  assert.deepEqual(fn.Environment.Variables, {
    QUEUE_URL: '<Queue>',
    ON_ENQUEUE_FAILURE: 'fail',
    TRIGGER_SOURCES: 'ConfirmSignUp',
    FORWARD_ATTRIBUTES: 'custom:tenant,locale',
  })
  assert.equal(only(stack, 'AWS::Logs::LogGroup').Properties.RetentionInDays, 7)
  assert.deepEqual(ingress.forwardAttributes, ['custom:tenant', 'locale'])
  assert.deepEqual(ingress.triggerSources, ['ConfirmSignUp'])
})

test('messages outlive the stack, but not in a sandbox, nor where it is not wanted', () => {
  const kept = (context: Record<string, unknown>, removalPolicy?: RemovalPolicy): unknown[] => {
    const stack = stackOf('Auth', {}, context)
    ingressIn(stack, removalPolicy === undefined ? {} : { removalPolicy })
    return Object.values(resources(stack, QUEUE)).map(({ DeletionPolicy, UpdateReplacePolicy }) => [DeletionPolicy, UpdateReplacePolicy])
  }
  const stay = ['RetainExceptOnCreate', 'Retain']
  const go = ['Delete', 'Delete']
  assert.deepEqual(kept({}), [stay, stay])
  assert.deepEqual(kept({ 'amplify-backend-type': 'branch' }), [stay, stay])
  assert.deepEqual(kept({ 'amplify-backend-type': 'sandbox' }), [go, go])
  assert.deepEqual(kept({}, RemovalPolicy.DESTROY), [go, go])
})

test('the function leads back to its ingress, and another function to the mend', () => {
  const stack = stackOf()
  const ingress = ingressIn(stack)
  assert.equal(ConfirmationIngress.of(ingress.trigger), ingress)
  assert.equal(ingress.trigger, ingress.triggerFunction)
  // Amplify asks the function for this child.
  assert.ok(ingress.trigger.node.findChild('Resource') instanceof lambda.CfnFunction)
  const other = lambda.Function.fromFunctionArn(stack, 'Other', 'arn:aws:lambda:eu-central-1:111122223333:function:other')
  assert.match(errorOf(() => ConfirmationIngress.of(other)), /^Auth\/Other is not the trigger .*ConfirmationIngress\(…\)\.trigger/)
})

test('without a trigger of ours, a function that is there can send', () => {
  const stack = stackOf()
  const ingress = ingressIn(stack, { trigger: false, forwardAttributes: ['locale'] })
  Template.fromStack(stack).resourceCountIs('AWS::Lambda::Function', 0)
  Template.fromStack(stack).resourceCountIs('AWS::Logs::LogGroup', 0)
  assert.match(errorOf(() => ingress.trigger), /Auth\/Confirmations has no trigger function .*`grantSend` and `environment`/)

  const other = stackOf('Two')
  const composed = ingressIn(other, { trigger: false, forwardAttributes: ['locale'] })
  const own = new lambda.Function(other, 'Own', {
    runtime: lambda.Runtime.NODEJS_20_X,
    handler: 'index.handler',
    code: lambda.Code.fromInline('exports.handler = async (event) => event'),
    environment: { ...composed.environment },
  })
  assert.ok(composed.grantSend(own).success)
  assert.deepEqual(plain(only(other, 'AWS::Lambda::Function').Properties.Environment.Variables), {
    QUEUE_URL: '<Queue>',
    ON_ENQUEUE_FAILURE: 'pass',
    TRIGGER_SOURCES: 'ConfirmSignUp,ConfirmForgotPassword',
    FORWARD_ATTRIBUTES: 'locale',
  })
  assert.deepEqual(statements(other, 'AWS::IAM::Policy'), [
    { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: '<Queue.Arn>' },
  ])
})

test('with `producers` nobody else of the account sends', () => {
  const stack = stackOf()
  const jobs = 'arn:aws:iam::111122223333:role/profile-worker-*'
  const ingress = ingressIn(stack, { producers: [jobs] })
  const own = new iam.Role(stack, 'Own', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') })
  ingress.grantSend(own)
  const [, , deny, ...more] = statements(stack, POLICY, /QueuePolicy$/)
  assert.deepEqual(more, [])
  assert.deepEqual(deny, {
    Sid: 'ProducersOnly',
    Effect: 'Deny',
    Principal: { AWS: '*' },
    Action: 'sqs:SendMessage',
    Resource: '<Queue.Arn>',
    Condition: {
      ArnNotLike: { 'aws:PrincipalArn': [jobs, '<TriggerRole.Arn>', '<Own.Arn>'] },
      BoolIfExists: { 'aws:PrincipalIsAWSService': 'false' },
    },
  })
  // The worker's quarantine goes there, and its role is not known here.
  assert.equal(statements(stack, POLICY, /DeadLettersPolicy$/).length, 2)
  Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue())
})

test('a producer of another stack is not referred to: a warning says that it must be named', () => {
  const stack = stackOf()
  const ingress = ingressIn(stack, { producers: [] })
  const there = new Stack(stack.node.root as Stack, 'There', { env: ENV })
  const role = new iam.Role(there, 'Role', { assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com') })
  ingress.grantSend(role)
  Annotations.fromStack(stack).hasWarning('/Auth/Confirmations', Match.stringLikeRegexp('named in `producers`'))
  assert.deepEqual(
    (statements(stack, POLICY, /QueuePolicy$/)[2]?.Condition as any).ArnNotLike['aws:PrincipalArn'],
    ['<TriggerRole.Arn>'],
  )
})

test('everything wrong is told at once, by the name of the prop and with the mend', () => {
  const message = errorOf(() =>
    ingressIn(stackOf(), {
      retention: Duration.seconds(59),
      deadLetterRetention: Duration.days(15),
      forwardAttributes: ['custom:*', 'a,b', ' locale', ''],
      triggerSources: ['PreSignUp' as 'ConfirmSignUp'],
      onEnqueueFailure: 'retry' as 'pass',
      memorySize: 64,
      architecture: lambda.Architecture.custom('riscv64'),
      producers: ['profile-worker'],
      eventBridge: { archiveRetention: Duration.days(0) },
    }),
  )
  const [first, ...lines] = message.split('\n')
  assert.equal(first, 'Auth/Confirmations cannot be made:')
  const props = lines.map((line) => /^  - ([\w.]+): .+; .+/.exec(line)?.[1])
  assert.deepEqual(props, [
    'retention',
    'deadLetterRetention',
    'forwardAttributes',
    'triggerSources',
    'onEnqueueFailure',
    'memorySize',
    'architecture',
    'producers',
    'eventBridge.archiveRetention',
    'producers',
    'code',
  ])
})

test('retention: 60 s to 14 days, and longer where dead letters are', () => {
  const made = (retention: Duration, deadLetterRetention: Duration) => (): unknown =>
    ingressIn(stackOf(), { retention, deadLetterRetention })
  const names = (of: () => unknown): string[] => [...errorOf(of).matchAll(/- (\w+):/g)].map((match) => match[1] ?? '')
  made(Duration.seconds(60), Duration.seconds(61))()
  made(Duration.days(13), Duration.days(14))()
  assert.deepEqual(names(made(Duration.days(4), Duration.days(4))), ['deadLetterRetention'])
  assert.deepEqual(names(made(Duration.days(14), Duration.days(4))), ['deadLetterRetention'])
  assert.deepEqual(names(made(Duration.days(14).plus(Duration.seconds(1)), Duration.days(14))), ['retention'])
  assert.deepEqual(names(made(Duration.seconds(59), Duration.days(14))), ['retention'])
  assert.deepEqual(names(made(Duration.millis(60_500), Duration.days(14))), ['retention'])
  // The default of the one against what is given of the other.
  assert.deepEqual(names(() => ingressIn(stackOf(), { retention: Duration.days(14) })), ['deadLetterRetention'])
})

test('props of a function that is not made are refused', () => {
  const message = errorOf(
    () =>
      new ConfirmationIngress(stackOf(), 'Confirmations', {
        trigger: false,
        memorySize: 512,
        architecture: lambda.Architecture.ARM_64,
        code: lambda.Code.fromInline(' '),
        tracing: true,
        logRetention: logs.RetentionDays.ONE_DAY,
      }),
  )
  const props = [...message.matchAll(/- (\w+): is for the trigger function/g)].map((match) => match[1])
  assert.deepEqual(props, ['architecture', 'code', 'memorySize', 'logRetention', 'tracing'])
})
