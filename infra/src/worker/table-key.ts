// The key of the table where its constructs know it. A table that was imported by name does not tell; then the key is not
// checked here, and the worker checks it when it starts.

import { Reference, Stack, Tokenization } from 'aws-cdk-lib'
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb'
import type { IConstruct } from 'constructs'

import type { TableKey } from './props.ts'

/** `undefined` where nothing knows. */
export function keyOf(table: dynamodb.ITable): TableKey | undefined {
  return tellOf(table) ?? tellOf(makerOf(table))
}

// Amplify hands out an import by ARN (`backend.data.resources.tables`). The ARN is an attribute of the custom resource that
// is the table in truth, and the construct around it (AmplifyDynamoDBTable) knows the key.
function makerOf({ tableArn }: dynamodb.ITable): IConstruct | undefined {
  const token = Tokenization.reverse(tableArn, { failConcat: false })
  if (!Reference.isReference(token)) return undefined
  return token.target.node.scopes.find((scope) => 'tableArn' in scope && scope.tableArn === tableArn)
}

// By what it can do and not by its class: an app may hold two copies of the CDK, and Amplify exports no class.
function tellOf(table: IConstruct | undefined): TableKey | undefined {
  if (table === undefined) return undefined
  if ('schemaV2' in table && typeof table.schemaV2 === 'function') {
    const { partitionKeys, sortKeys } = (table as dynamodb.Table).schemaV2()
    return keyFrom(partitionKeys[0]?.name, sortKeys[0]?.name)
  }
  if ('schema' in table && typeof table.schema === 'function') {
    const { partitionKey, sortKey } = (table as dynamodb.Table).schema()
    return keyFrom(partitionKey?.name, sortKey?.name)
  }
  return writtenIn(table)
}

// TableV2 has no question to ask; its template tells.
function writtenIn(table: IConstruct): TableKey | undefined {
  const resource = table.node.defaultChild
  if (resource === undefined || !('keySchema' in resource)) return undefined
  const schema: readonly dynamodb.CfnTable.KeySchemaProperty[] = Stack.of(resource).resolve(resource.keySchema) ?? []
  const named = (type: string): string | undefined => schema.find(({ keyType }) => keyType === type)?.attributeName
  return keyFrom(named('HASH'), named('RANGE'))
}

function keyFrom(partition: string | undefined, sort: string | undefined): TableKey | undefined {
  if (partition === undefined) return undefined
  return { partition, ...(sort !== undefined && { sort }) }
}
