// Writes template.json. A test fails if that was forgotten.

import { writeFileSync } from 'node:fs'

import { templateText } from './template.ts'

writeFileSync(new URL('template.json', import.meta.url), templateText())
