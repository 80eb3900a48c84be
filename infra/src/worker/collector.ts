// An OpenTelemetry collector beside the worker: the AWS distribution, fed by OTLP over loopback. Not essential: the
// worker goes on without it, and pushes into the void. It must never be what the worker waits for.

import { Duration, Validations } from 'aws-cdk-lib'
import * as ecs from 'aws-cdk-lib/aws-ecs'
import * as iam from 'aws-cdk-lib/aws-iam'

import type { CollectorProps, ProfileWorkerProps } from './props.ts'

/** Where it listens, and where the worker pushes: both containers share the task's loopback. */
export const OTLP_ENDPOINT = 'http://localhost:4318'

/** The AWS distribution for OpenTelemetry, pinned. */
export const COLLECTOR_IMAGE = 'public.ecr.aws/aws-observability/aws-otel-collector:v0.49.0'

/** Traces to X-Ray. Metrics are printed for CloudWatch by the worker itself (METRICS_EMF) and would count twice. */
export const TRACES_TO_XRAY = `extensions:
  health_check:
receivers:
  otlp:
    protocols:
      http:
        endpoint: localhost:4318
processors:
  memory_limiter:
    check_interval: 1s
    limit_mib: 100
  batch:
    timeout: 5s
exporters:
  awsxray:
service:
  extensions: [health_check]
  pipelines:
    traces:
      receivers: [otlp]
      processors: [memory_limiter, batch]
      exporters: [awsxray]
`

/** `true` is a collector with defaults. */
export const collectorOf = ({ collector }: Pick<ProfileWorkerProps, 'collector'>): CollectorProps | undefined =>
  collector === true ? {} : collector || undefined

export interface CollectorOf {
  readonly task: ecs.FargateTaskDefinition
  readonly logging: ecs.LogDriver
  readonly props: CollectorProps
}

/** What the worker must be told so that it pushes. */
export function collectorEnvironment(props: CollectorProps): Readonly<Record<string, string>> {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: OTLP_ENDPOINT,
    // The collector's own configuration has no pipeline for metrics; another one may.
    ...(props.config === undefined && { OTEL_METRICS_EXPORTER: 'none' }),
  }
}

export function addCollector({ task, logging, props }: CollectorOf): ecs.ContainerDefinition {
  if (props.config === undefined) {
    Validations.of(task.taskRole).acknowledge({
      id: 'AwsSolutions::AwsSolutions-IAM5[Resource::*]',
      reason: 'X-Ray has no resources to name for these actions',
    })
    task.addToTaskRolePolicy(
      new iam.PolicyStatement({
        sid: 'Traces',
        actions: [
          'xray:PutTraceSegments',
          'xray:PutTelemetryRecords',
          'xray:GetSamplingRules',
          'xray:GetSamplingTargets',
        ],
        // X-Ray has no resource types for these actions (service authorization reference, "AWS X-Ray").
        resources: ['*'],
      }),
    )
  }
  return task.addContainer('collector', {
    containerName: 'collector',
    image: props.image ?? ecs.ContainerImage.fromRegistry(COLLECTOR_IMAGE),
    essential: false,
    environment: { AOT_CONFIG_CONTENT: props.config ?? TRACES_TO_XRAY },
    readonlyRootFilesystem: true,
    privileged: false,
    memoryLimitMiB: 160,
    logging,
    healthCheck: {
      command: ['CMD', '/healthcheck'],
      interval: Duration.seconds(30),
      timeout: Duration.seconds(5),
      retries: 3,
      startPeriod: Duration.seconds(10),
    },
  })
}
