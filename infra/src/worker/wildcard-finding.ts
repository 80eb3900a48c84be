// What cdk-nag calls a resource with a `*` in it. The construct says at the statement why the `*` stands there; who runs
// cdk-nag over an application of theirs finds it said already. The library itself is not needed for it.

import { Stack } from 'aws-cdk-lib'
import type { Construct } from 'constructs'

/** The id of the finding; what is known only at deployment stands in it as `<its name>`. */
export function wildcardFinding(scope: Construct, resource: string): string {
  const resolved = Stack.of(scope).resolve(resource) as string | { readonly 'Fn::Join': readonly [string, readonly Part[]] }
  const text = typeof resolved === 'string' ? resolved : resolved['Fn::Join'][1].map(written).join('')
  return `AwsSolutions::AwsSolutions-IAM5[Resource::${text}]`
}

type Part = string | { readonly Ref: string } | { readonly 'Fn::GetAtt': readonly string[] }

function written(part: Part): string {
  if (typeof part === 'string') return part
  return `<${'Ref' in part ? part.Ref : part['Fn::GetAtt'].join('.')}>`
}
