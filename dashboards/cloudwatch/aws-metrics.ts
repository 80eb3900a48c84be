// The metrics of AWS that we rely on, as AWS documents them. A test holds every alarm and widget against this list; add
// to it only what stands on the page.

interface Documented {
  readonly source: string
  /** The dimensions, in any order, that such a metric can be asked for by. */
  readonly dimensions: readonly (readonly string[])[]
  readonly metrics: readonly string[]
}

export const AWS_METRICS: Record<string, Documented> = {
  'AWS/SQS': {
    source: 'https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html',
    dimensions: [['QueueName']],
    metrics: [
      'ApproximateAgeOfOldestMessage',
      'ApproximateNumberOfMessagesDelayed',
      'ApproximateNumberOfMessagesNotVisible',
      'ApproximateNumberOfMessagesVisible',
      'NumberOfEmptyReceives',
      'NumberOfMessagesDeleted',
      'NumberOfMessagesReceived',
      'NumberOfMessagesSent',
      'SentMessageSize',
    ],
  },
  'AWS/Lambda': {
    source: 'https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html',
    dimensions: [['FunctionName']],
    metrics: ['Invocations', 'Errors', 'Throttles', 'Duration', 'ConcurrentExecutions'],
  },
  'AWS/DynamoDB': {
    source: 'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html',
    dimensions: [['TableName'], ['TableName', 'Operation']],
    metrics: ['ConsumedWriteCapacityUnits', 'WriteThrottleEvents', 'ThrottledRequests', 'SystemErrors', 'SuccessfulRequestLatency'],
  },
}
