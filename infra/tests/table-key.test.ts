// Whose table's key is known at synth, and whose only to the worker. Amplify's own table is tried in tests/amplify-gen2; here
// is what it does, with the names of the CDK alone.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { App, CustomResource, Resource, Stack } from 'aws-cdk-lib'
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb'
import type { Construct } from 'constructs'

import { keyOf } from '../src/worker/table-key.ts'

const text = (name: string): dynamodb.Attribute => ({ name, type: dynamodb.AttributeType.STRING })

/** A table that is a custom resource, handed out as an import by its ARN. */
class TableOfItsOwn extends Resource {
  readonly tableArn: string
  readonly handedOut: dynamodb.ITable
  readonly #keys: dynamodb.SchemaOptions

  constructor(scope: Construct, id: string, keys: dynamodb.SchemaOptions, tableArn?: string) {
    super(scope, id)
    this.#keys = keys
    const serviceToken = 'arn:aws:lambda:eu-central-1:111122223333:function:maker'
    const table = new CustomResource(this, 'Default', { serviceToken })
    this.tableArn = tableArn ?? table.getAttString('TableArn')
    this.handedOut = dynamodb.Table.fromTableArn(scope, `${id}Import`, table.getAttString('TableArn'))
  }

  schema(): dynamodb.SchemaOptions {
    return this.#keys
  }
}

test('the tables of the CDK tell their key', () => {
  const stack = new Stack(new App(), 'Tables')
  const simple = new dynamodb.Table(stack, 'Simple', { partitionKey: text('id') })
  const composed = new dynamodb.Table(stack, 'Composed', { partitionKey: text('pk'), sortKey: text('sk') })
  const second = new dynamodb.TableV2(stack, 'Second', { partitionKey: text('pk'), sortKey: text('sk') })
  assert.deepEqual(keyOf(simple), { partition: 'id' })
  assert.deepEqual(keyOf(composed), { partition: 'pk', sort: 'sk' })
  assert.deepEqual(keyOf(second), { partition: 'pk', sort: 'sk' })
})

test('an import whose ARN is an attribute of a construct of this app leads to that construct', () => {
  const stack = new Stack(new App(), 'Tables')
  const simple = new TableOfItsOwn(stack, 'Simple', { partitionKey: text('profileOwner') })
  const composed = new TableOfItsOwn(stack, 'Composed', { partitionKey: text('pk'), sortKey: text('sk') })
  assert.deepEqual(keyOf(simple.handedOut), { partition: 'profileOwner' })
  assert.deepEqual(keyOf(composed.handedOut), { partition: 'pk', sort: 'sk' })
})

test('what is imported by a name or an ARN of nobody here does not tell', () => {
  const stack = new Stack(new App(), 'Tables')
  const arn = 'arn:aws:dynamodb:eu-central-1:111122223333:table/Profiles'
  assert.equal(keyOf(dynamodb.Table.fromTableName(stack, 'Named', 'Profiles')), undefined)
  assert.equal(keyOf(dynamodb.Table.fromTableArn(stack, 'Arn', arn)), undefined)
  assert.equal(keyOf(dynamodb.TableV2.fromTableArn(stack, 'Second', arn)), undefined)
})

test('a construct that has a schema of something else is not asked', () => {
  const stack = new Stack(new App(), 'Tables')
  const arn = 'arn:aws:dynamodb:eu-central-1:111122223333:table/Other'
  const other = new TableOfItsOwn(stack, 'Other', { partitionKey: text('id') }, arn)
  assert.equal(keyOf(other.handedOut), undefined)
})
