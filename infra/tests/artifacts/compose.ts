// compose.yaml, read.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { parse } from 'yaml'

import { REPOSITORY } from './running.ts'

export interface Service {
  readonly build: { readonly context: string; readonly dockerfile: string; readonly target: string }
  readonly command?: readonly string[]
  readonly environment?: Record<string, string>
  readonly network_mode?: string
  readonly ports?: readonly string[]
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly configs?: readonly { readonly source: string; readonly target: string }[]
  readonly read_only?: boolean
}

export interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly configs: Readonly<Record<string, { readonly file: string }>>
}

export const compose = (): Compose => parse(readFileSync(join(REPOSITORY, 'compose.yaml'), 'utf8')) as Compose
