// The control of all that is said about circles: the form that comes to mind first has one, and it is found.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Template } from 'aws-cdk-lib/assertions'

import { synthesise } from '../assembly.ts'
import { circle, dependencies, stackEdges } from '../graph.ts'

test("trigger, queue and worker in one stack cannot be deployed", async () => {
  const { root } = await synthesise('cases/naive-one-stack/amplify', 'branch')
  const names = circle(stackEdges(root)) ?? assert.fail('no circle was found')
  assert.deepEqual([...new Set(names)].sort(), ['Profiles', 'auth', 'data'])
  assert.equal(circle(dependencies(root.template))?.length, names.length)
  assert.throws(() => Template.fromJSON(root.template as never), /dependency cycle/)
})
