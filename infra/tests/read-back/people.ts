// Users whose names, and the lack of an e-mail address, are hard on whoever compares owners. All of them are made up.

/** A pool whose users get profiles. */
export const POOL = 'eu-central-1_A1b2C3d4E'

export interface Person {
  /** What is special about them. */
  readonly is: string
  readonly pool: string
  readonly sub: string
  readonly username: string
  readonly email?: string
}

const person = (is: string, n: number, username?: string, email?: string): Person => {
  const sub = `9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a${n.toString(16).padStart(2, '0')}`
  return { is, pool: POOL, sub, username: username ?? sub, ...(email ? { email } : {}) }
}

export const PLAIN = person('named by the sub, as in every pool of Amplify Gen 2', 1, undefined, 'ana@example.com')

export const OWNERS: readonly Person[] = [
  PLAIN,
  person('from Google', 2, 'Google_10987', 'li@example.org'),
  person('with the separator in the name', 3, 'a::b', 'a@example.com'),
  person('with quotes in the name', 4, `o'brien "the test"`, 'O.Brien+shop@Example.com'),
  person('without an e-mail address', 5),
]

/** Signed in, and the owner of nothing. */
export const STRANGER = person('a stranger', 6, undefined, 'eve@example.com')

/** Signs up while others have their profiles. */
export const NEWCOMER = person('a newcomer', 7, undefined, 'nia@example.com')

/** What Cognito tells the trigger of a confirmation. */
export function confirmation({ pool, sub, username, email }: Person): object {
  return {
    version: '1',
    region: 'eu-central-1',
    userPoolId: pool,
    userName: username,
    callerContext: { awsSdkVersion: 'aws-sdk-unknown-unknown', clientId: '4s1example2client3id4five6' },
    triggerSource: 'PostConfirmation_ConfirmSignUp',
    request: {
      userAttributes: { sub, 'cognito:user_status': 'CONFIRMED', ...(email ? { email, email_verified: 'true' } : {}) },
    },
    response: {},
  }
}
