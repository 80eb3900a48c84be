// The API that Amplify generated: schema and resolvers out of a synthesised assembly, unchanged, in Amplify's own simulator
// of AppSync. Only the table is another: the one that the worker writes into.

import {
  AmplifyAppSyncSimulator,
  AmplifyAppSyncSimulatorAuthenticationType,
  RESOLVER_KIND,
} from '@aws-amplify/amplify-appsync-simulator'

import { type Assembly, assetText, type Resource } from '../amplify-gen2/assembly.ts'
import type { Person } from './people.ts'
import { Place } from '../amplify-gen2/values.ts'

/** A table behind a DynamoDB endpoint. */
export interface Table {
  readonly endpoint: string
  readonly name: string
}

export interface Answer {
  readonly data: Readonly<Record<string, any>> | null
  readonly errors?: readonly { readonly message: string; readonly errorType?: string }[]
}

export interface Api {
  /** What the API answers to a signed-in user. */
  as(person: Person, query: string, variables?: object): Promise<Answer>
  stop(): Promise<void>
}

interface Template {
  readonly path: string
  readonly content: string
}

/** Runs the API of the assembly over the table. */
export async function run(assembly: Assembly, table: Table): Promise<Api> {
  const places = new Place(assembly.root).everywhere()
  const templates: Template[] = []
  const keep = (content: string, path: string): string => {
    templates.push({ path, content })
    return path
  }
  const vtl = (place: Place, name: string, { Properties }: Resource, side: 'Request' | 'Response'): string => {
    const inline = Properties?.[`${side}MappingTemplate`]
    const stored = Properties?.[`${side}MappingTemplateS3Location`]
    const text = inline === undefined ? asset(assembly, place, stored) : place.text(inline)
    return keep(text, `${name}.${side}.vtl`)
  }
  const every = (type: string): readonly (readonly [Place, string, Resource])[] =>
    places.flatMap((place) => place.resources(type).map(([id, resource]) => [place, id, resource] as const))

  const functions = every('AWS::AppSync::FunctionConfiguration').map(([place, id, resource]) => ({
    name: place.text(resource.Properties?.['Name']),
    dataSourceName: place.text(resource.Properties?.['DataSourceName']),
    requestMappingTemplateLocation: vtl(place, id, resource, 'Request'),
    responseMappingTemplateLocation: vtl(place, id, resource, 'Response'),
  }))
  const resolvers = every('AWS::AppSync::Resolver').map(([place, id, resource]) => ({
    kind: RESOLVER_KIND.PIPELINE as const,
    typeName: String(resource.Properties?.['TypeName']),
    fieldName: String(resource.Properties?.['FieldName']),
    functions: (resource.Properties?.['PipelineConfig'] as { Functions: unknown[] }).Functions.map((one) => place.text(one)),
    requestMappingTemplateLocation: vtl(place, id, resource, 'Request'),
    responseMappingTemplateLocation: vtl(place, id, resource, 'Response'),
  }))
  const dataSources = every('AWS::AppSync::DataSource').map(([place, , resource]) => ({
    name: place.text(resource.Properties?.['Name']),
    type: resource.Properties?.['Type'] as 'NONE' | 'AMAZON_DYNAMODB',
    config: {
      endpoint: table.endpoint,
      region: 'eu-central-1',
      tableName: table.name,
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    },
  }))
  const tables = dataSources.filter(({ type }) => type === 'AMAZON_DYNAMODB')
  if (tables.length !== 1) throw new Error(`the API has ${tables.length} tables, and there is one to give it`)
  const [[place, , schema]] = every('AWS::AppSync::GraphQLSchema') as [readonly [Place, string, Resource]]

  const simulator = new AmplifyAppSyncSimulator()
  await simulator.start()
  await simulator.init({
    schema: { content: asset(assembly, place, schema.Properties?.['DefinitionS3Location']) },
    mappingTemplates: templates,
    functions,
    resolvers,
    dataSources: dataSources as never,
    appSync: {
      name: 'profiles',
      defaultAuthenticationType: { authenticationType: AmplifyAppSyncSimulatorAuthenticationType.API_KEY },
      additionalAuthenticationProviders: [
        {
          authenticationType: AmplifyAppSyncSimulatorAuthenticationType.AMAZON_COGNITO_USER_POOLS,
          cognitoUserPoolConfig: {},
        },
      ],
    },
  })
  return {
    as: (person, query, variables) => ask(`${simulator.url}/graphql`, person, query, variables),
    stop: () => Promise.resolve(simulator.stop()),
  }
}

/** `s3://…/<hash>.vtl` → the text of the asset of that hash. */
function asset(assembly: Assembly, place: Place, location: unknown): string {
  const [, hash, extension] = /\/([0-9a-f]{64})(\.\w+)$/.exec(place.text(location)) ?? []
  if (!hash) throw new Error(`${place.stack.file} names no asset: ${JSON.stringify(location)}`)
  return assetText(assembly, hash, extension!)
}

async function ask(url: string, person: Person, query: string, variables: object = {}): Promise<Answer> {
  const headers = { 'content-type': 'application/json', authorization: token(person) }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) })
  return (await response.json()) as Answer
}

/** An access token as Cognito's, but unsigned: the simulator believes it. */
function token({ sub, username, pool }: Person): string {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = {
    sub,
    username,
    'cognito:username': username,
    iss: `https://cognito-idp.eu-central-1.amazonaws.com/${pool}`,
    token_use: 'access',
    exp: Math.floor(Date.now() / 1000) + 3600,
  }
  return `${encode({ alg: 'none', typ: 'JWT' })}.${encode(claims)}.`
}
