// Amplify Hosting: the whole of it.

import { before, test } from 'node:test'

import { type Assembly, synthesise } from '../assembly.ts'
import { assertDeployable, assertOutputs, assertSignUps, assertWorker } from '../example.ts'

let assembly: Assembly
before(async () => {
  assembly = await synthesise('amplify', 'branch')
})

test('every stack can be deployed', () => assertDeployable(assembly))

test('sign-ups are announced', () => assertSignUps(assembly))

test('the worker stands in a stack of its own and writes into the table of Amplify', () => assertWorker(assembly))

test('amplify_outputs.json names queue and table', () => assertOutputs(assembly))
