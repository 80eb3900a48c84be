// An ARN taken apart, as far as the standalone app looks into it.

export interface Arn {
  readonly arn: string
  readonly service: string
  readonly region: string
  readonly account: string
  /** What comes after the account. */
  readonly resource: string
}

/** `undefined` if it is no ARN of one region and account. */
export function arnOf(text: string): Arn | undefined {
  const parts = /^arn:aws[\w-]*:([a-z0-9-]+):([a-z0-9-]+):(\d{12}):(.+)$/.exec(text)
  if (parts === null) return undefined
  const [arn, service, region, account, resource] = parts as unknown as [string, string, string, string, string]
  return { arn, service, region, account, resource }
}
