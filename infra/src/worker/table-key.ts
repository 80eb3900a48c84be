// The key of the table where the construct knows it. A table that was imported by name does not tell; then the key is
// not checked here, and the worker checks it when it starts.

import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb'

import type { TableKey } from './props.ts'

/** `undefined` where the construct does not know. */
export function keyOf(table: dynamodb.ITable): TableKey | undefined {
  // Not instanceof: an app may hold two copies of the CDK.
  if (!('schemaV2' in table) || typeof table.schemaV2 !== 'function') return undefined
  const { partitionKeys, sortKeys } = (table as dynamodb.Table).schemaV2()
  const [partition] = partitionKeys
  const [sort] = sortKeys
  if (partition === undefined) return undefined
  return { partition: partition.name, ...(sort && { sort: sort.name }) }
}
