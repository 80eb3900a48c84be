// Writes the templates into infra/templates. A test fails if that was forgotten.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { templates } from './templates.ts'

const folder = join(__dirname, '..', '..', 'templates')
mkdirSync(folder, { recursive: true })
for (const [file, text] of templates()) writeFileSync(join(folder, file), text)
