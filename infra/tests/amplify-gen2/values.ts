// What CloudFormation would make of the values in a template, as far as it is looked at here: parameters are followed to the
// stack that gives them, outputs to the stack that has them. What only a deployment knows becomes its own name, which is
// enough to tell things apart. Like assembly.ts it needs nothing but Node.

import type { Assembly, Resource, Stack } from './assembly.ts'

export class Place {
  readonly stack: Stack
  readonly parent: Place | undefined

  constructor(stack: Stack, parent?: Place) {
    this.stack = stack
    this.parent = parent
  }

  /** This place and all that are nested in it. */
  everywhere(): readonly Place[] {
    return [this, ...[...this.stack.nested.values()].flatMap((inner) => new Place(inner, this).everywhere())]
  }

  resources(type: string): readonly (readonly [string, Resource])[] {
    return Object.entries(this.stack.template.Resources).filter(([, resource]) => resource.Type === type)
  }

  text(value: unknown): string {
    if (typeof value !== 'object' || value === null) return String(value)
    const [[name, inner] = ['', undefined]] = Object.entries(value)
    if (name === 'Ref') return this.#reference(String(inner))
    if (name === 'Fn::GetAtt') return this.#attribute(inner as readonly [string, string])
    if (name === 'Fn::Sub') return String(inner).replace(/\$\{([^}]+)\}/g, (_, key: string) => this.#reference(key))
    if (name === 'Fn::Join') {
      const [by, parts] = inner as readonly [string, readonly unknown[]]
      return parts.map((part) => this.text(part)).join(by)
    }
    if (name === 'Fn::Select') {
      const [at, { 'Fn::Split': split }] = inner as readonly [number, { readonly 'Fn::Split': readonly [string, unknown] }]
      return this.text(split[1]).split(split[0])[at] ?? ''
    }
    throw new Error(`${this.stack.file}: ${name} is not known here`)
  }

  #reference(name: string): string {
    const given = this.parent?.stack.template.Resources[this.stack.logicalId]?.Properties?.['Parameters']
    const argument = (given as Readonly<Record<string, unknown>> | undefined)?.[name]
    return argument === undefined ? name : this.parent!.text(argument)
  }

  #attribute([name, attribute]: readonly [string, string]): string {
    const resource = this.stack.template.Resources[name]
    if (!resource) throw new Error(`${this.stack.file}: there is no ${name}`)
    if (resource.Type === 'AWS::CloudFormation::Stack') {
      const inner = [...this.stack.nested.values()].find((stack) => stack.logicalId === name)!
      return new Place(inner, this).text(inner.template.Outputs?.[attribute.replace(/^Outputs\./, '')]?.Value)
    }
    if (attribute === 'FunctionId' || (resource.Type === 'AWS::AppSync::DataSource' && attribute === 'Name')) {
      return this.text(resource.Properties?.['Name'])
    }
    if (attribute === 'TableArn') {
      return `arn:aws:dynamodb:eu-central-1:111122223333:table/${this.text(resource.Properties?.['tableName'])}`
    }
    return `${name}.${attribute}`
  }
}

/** What amplify_outputs.json will say under `custom.profileWorker`. */
export function customOutputs({ root }: Assembly): Readonly<Record<string, string>> {
  const output = root.template.Outputs?.['customOutputs']
  if (!output) throw new Error('the backend has no custom outputs')
  return JSON.parse(new Place(root).text(output.Value)).custom.profileWorker
}
