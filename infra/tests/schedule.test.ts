// The schedule of reconcile: when it starts, what it may start, and when it does not.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Duration } from 'aws-cdk-lib'
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler'

import { jobsWith, ofType, type Made, taskOf, textOf } from './jobs-fixture.ts'

const made = jobsWith()

const schedulesOf = (made: Made) => ofType(made, 'AWS::Scheduler::Schedule').map(({ Properties }) => Properties)

test('every hour, at some time of it, and enabled', () => {
  const [schedule] = schedulesOf(made)
  assert.equal(schedule.ScheduleExpression, 'rate(1 hour)')
  assert.deepEqual(schedule.FlexibleTimeWindow, { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 15 })
  assert.equal(schedule.State, 'ENABLED')
})

test('a start that fails is given up before the next one is due', () => {
  const { MaximumEventAgeInSeconds, MaximumRetryAttempts } = schedulesOf(made)[0].Target.RetryPolicy
  assert.ok(MaximumEventAgeInSeconds + 15 * 60 < 3600)
  assert.equal(MaximumRetryAttempts, 5)
})

test('what it starts is one task of reconcile, where the worker runs', () => {
  const { Target } = schedulesOf(made)[0]
  const [id] = Object.entries(made.resources).find(([, resource]) => resource === taskOf(made, 'reconcile')) ?? []
  assert.deepEqual(Target.EcsParameters, {
    LaunchType: 'FARGATE',
    NetworkConfiguration: {
      AwsvpcConfiguration: {
        AssignPublicIp: 'ENABLED',
        SecurityGroups: ['sg-0123456789abcdef0'],
        Subnets: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
      },
    },
    TaskCount: 1,
    TaskDefinitionArn: { Ref: id },
  })
  assert.match(textOf(Target.Arn), /:ecs:eu-central-1:111122223333:cluster\/profiles$/)
})

test('its role may start that family in that cluster, hand over its two roles, and nothing else', () => {
  const role = schedulesOf(made)[0].Target.RoleArn['Fn::GetAtt'][0]
  const [trust] = made.resources[role]?.Properties.AssumeRolePolicyDocument.Statement
  assert.deepEqual(trust.Principal, { Service: 'scheduler.amazonaws.com' })
  assert.deepEqual(trust.Condition.StringEquals, { 'aws:SourceAccount': '111122223333' })
  const source = textOf(trust.Condition.ArnEquals['aws:SourceArn'])
  assert.match(source, /:scheduler:eu-central-1:111122223333:schedule-group\/default$/)

  const [policy] = ofType(made, 'AWS::IAM::Policy').filter(({ Properties }) => Properties.Roles[0].Ref === role)
  const [start, handOver, ...others] = policy?.Properties.PolicyDocument.Statement
  assert.deepEqual(others, [])
  const { Family, TaskRoleArn, ExecutionRoleArn } = taskOf(made, 'reconcile').Properties
  assert.equal(start.Action, 'ecs:RunTask')
  assert.ok(textOf(start.Resource).endsWith(`:ecs:eu-central-1:111122223333:task-definition/${Family}:*`))
  assert.match(textOf(start.Condition.ArnEquals['ecs:cluster']), /:cluster\/profiles$/)
  assert.equal(handOver.Action, 'iam:PassRole')
  assert.deepEqual(handOver.Resource, [TaskRoleArn, ExecutionRoleArn])
  assert.deepEqual(handOver.Condition, { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } })
})

test('paused: the schedule is there and disabled', () => {
  assert.equal(schedulesOf(jobsWith(() => ({ paused: true })))[0].State, 'DISABLED')
})

test('reconcile: false: no schedule, but the job', () => {
  const without = jobsWith(() => ({ reconcile: false }))
  assert.deepEqual(schedulesOf(without), [])
  assert.equal(taskOf(without, 'reconcile').Type, 'AWS::ECS::TaskDefinition')
})

test('another time, if one is given', () => {
  const schedule = ScheduleExpression.rate(Duration.hours(6))
  assert.equal(schedulesOf(jobsWith(() => ({ reconcile: { schedule } })))[0].ScheduleExpression, 'rate(6 hours)')
})
