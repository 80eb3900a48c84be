// The key of the table where its constructs know it. A table that was imported by name does not tell; then the key is not
// checked here, and the worker checks it when it starts.

import { Reference, Tokenization } from 'aws-cdk-lib'
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb'

import type { TableKey } from './profile-worker.ts'

/** `undefined` where nothing knows. */
export function keyOf(table: dynamodb.ITable): TableKey | undefined {
  return tellOf(table) ?? tellOf(makerOf(table))
}

// Amplify hands out an import by ARN (`backend.data.resources.tables`). The ARN is an attribute of the custom resource that
// is the table in truth, and the construct around it (AmplifyDynamoDBTable) knows the key.
function makerOf({ tableArn }: dynamodb.ITable): object | undefined {
  const token = Tokenization.reverse(tableArn)
  if (!Reference.isReference(token)) return undefined
  return token.target.node.scopes.find((scope) => 'tableArn' in scope && scope.tableArn === tableArn)
}

// By what it can do and not by its class: an app may hold two copies of the CDK, and Amplify exports no class.
function tellOf(table: object | undefined): TableKey | undefined {
  if (table === undefined) return undefined
  if ('schemaV2' in table && typeof table.schemaV2 === 'function') {
    const { partitionKeys, sortKeys } = (table as dynamodb.Table).schemaV2()
    return keyFrom(partitionKeys[0], sortKeys[0])
  }
  if (!('schema' in table) || typeof table.schema !== 'function') return undefined
  const { partitionKey, sortKey } = (table as dynamodb.Table).schema()
  return keyFrom(partitionKey, sortKey)
}

function keyFrom(partition?: dynamodb.Attribute, sort?: dynamodb.Attribute): TableKey | undefined {
  return partition && { partition: partition.name, ...(sort && { sort: sort.name }) }
}
