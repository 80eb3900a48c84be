// The second control: a trigger in the right stack that refers to the table.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Template } from 'aws-cdk-lib/assertions'

import { synthesise } from '../assembly.ts'
import { circle, dependencies, stackEdges } from '../graph.ts'

test("a trigger that is told the table's name cannot be deployed", async () => {
  const { root } = await synthesise('cases/naive-table-name/amplify', 'branch')
  const names = circle(stackEdges(root)) ?? assert.fail('no circle was found')
  assert.deepEqual([...new Set(names)].sort(), ['auth', 'data'])
  assert.equal(circle(dependencies(root.template))?.length, names.length)
  assert.throws(() => Template.fromJSON(root.template as never), /dependency cycle/)
})
