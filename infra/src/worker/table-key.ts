// The key of the table where the construct knows it. A table that was imported by name does not tell; then the key is not
// checked here, and the worker checks it when it starts.

import * as dynamodb from 'aws-cdk-lib/aws-dynamodb'

import type { TableKey } from './profile-worker.ts'

/** `undefined` where the construct does not know. */
export function keyOf(table: dynamodb.ITable): TableKey | undefined {
  if (!(table instanceof dynamodb.Table)) return undefined
  const { partitionKey, sortKey } = table.schema()
  if (partitionKey === undefined) return undefined
  return { partition: partitionKey.name, ...(sortKey && { sort: sortKey.name }) }
}
