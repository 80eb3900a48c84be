// A table for profiles, where there is none. It outlives its stack: what users have edited is nowhere else.

import { RemovalPolicy } from 'aws-cdk-lib'
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb'
import { Construct } from 'constructs'

import type { KeyAttribute, ProfileModel } from '../model.ts'

export class NewTable extends Construct {
  readonly table: dynamodb.Table

  constructor(scope: Construct, id: string, { model }: { readonly model: ProfileModel }) {
    super(scope, id)
    const key = ({ name }: KeyAttribute): dynamodb.Attribute => ({ name, type: dynamodb.AttributeType.STRING })
    this.table = new dynamodb.Table(this, 'Table', {
      partitionKey: key(model.key.partition),
      sortKey: model.key.sort && key(model.key.sort),
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    })
  }
}
