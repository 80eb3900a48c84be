// What names look like in the templates' parameters: CloudFormation refuses a mistake before it makes anything.

/** Cognito API reference, UserPoolIdType. */
export const USER_POOL_ID = '[\\w-]+_[0-9a-zA-Z]+'
/** DynamoDB API reference, TableName, without the ARN that some operations take. */
export const TABLE_NAME = '[a-zA-Z0-9_.-]{3,255}'
/** SQS developer guide, "Quotas"; a FIFO queue's name ends in .fifo, and there is no dot here. */
export const QUEUE_NAME = '[a-zA-Z0-9_-]{1,80}'
