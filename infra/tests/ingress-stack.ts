// A stack with an ingress, and how its template is asked.

import { App, Stack, type StackProps } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import * as lambda from 'aws-cdk-lib/aws-lambda'

import { ConfirmationIngress, type ConfirmationIngressProps } from '../src/index.ts'
import { triggerZipFile } from './trigger-zip.ts'

export const ENV = { account: '111122223333', region: 'eu-central-1' }

const ZIP = triggerZipFile()
export const code = (): lambda.Code => lambda.Code.fromAsset(ZIP)

export const stackOf = (id = 'Auth', props: StackProps = {}, context: Record<string, unknown> = {}): Stack =>
  new Stack(new App({ context }), id, { env: ENV, ...props })

export function ingressIn(stack: Stack, props: ConfirmationIngressProps = {}): ConfirmationIngress {
  return new ConfirmationIngress(stack, 'Confirmations', props.trigger === false ? props : { code: code(), ...props })
}

export interface Statement {
  readonly Sid?: string
  readonly Effect: string
  readonly Principal?: unknown
  readonly Action: unknown
  readonly Resource: unknown
  readonly Condition?: unknown
}

interface Resource {
  readonly Type: string
  readonly Properties: Record<string, any>
  readonly DeletionPolicy?: string
  readonly UpdateReplacePolicy?: string
}

/** The resources of a type, by their logical ids without CDK's hash. */
export function resources(stack: Stack, type: string): Record<string, Resource> {
  const found = Template.fromStack(stack).findResources(type) as Record<string, Resource>
  return Object.fromEntries(Object.entries(found).map(([id, resource]) => [id.replace(/[0-9A-F]{8}$/, ''), resource]))
}

export function only(stack: Stack, type: string): Resource {
  const found = Object.values(resources(stack, type))
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} of ${type}`)
  return found[0]
}

/** Tokens as a reader would write them: `<Queue.Arn>`, `${AWS::AccountId}`. */
export function plain(value: unknown): any {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const [[key, of] = ['', undefined], ...more] = Object.entries(value)
  if (more.length === 0 && key === 'Ref') return String(of).startsWith('AWS::') ? `\${${of}}` : `<${name(of)}>`
  if (more.length === 0 && key === 'Fn::GetAtt') return `<${name((of as string[])[0])}.${(of as string[])[1]}>`
  if (more.length === 0 && key === 'Fn::Join') {
    const [separator, parts] = of as [string, unknown[]]
    return parts.map(plain).join(separator)
  }
  if (more.length === 0 && key === 'Fn::Select') {
    const [index, list] = of as [number, unknown]
    return `${plain(list)}[${index}]`
  }
  if (more.length === 0 && key === 'Fn::Split') {
    const [separator, text] = of as [string, unknown]
    return `${plain(text)}/split(${separator})`
  }
  return Object.fromEntries(Object.entries(value).map(([inner, one]) => [inner, plain(one)]))
}

const name = (logicalId: unknown): string =>
  String(logicalId)
    .replace(/[0-9A-F]{8}$/, '')
    .replace(/^Confirmations(Receiver)?/, '')

/** Every statement of the resources of a type, in plain words. */
export const statements = (stack: Stack, type: string, id: RegExp = /./): Statement[] =>
  Object.entries(resources(stack, type))
    .filter(([one]) => id.test(one))
    .flatMap(([, { Properties }]) => plain(Properties.PolicyDocument ?? Properties.KeyPolicy).Statement as Statement[])

/** The message of what `make` throws. */
export function errorOf(make: () => unknown): string {
  try {
    make()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  throw new Error('nothing was thrown')
}
