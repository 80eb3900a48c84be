// cfn-lint over the templates of the repository and over those of the standalone app in every shape. What it is not asked about
// stands in .cfnlintrc.yaml, each with its reason.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { VARIANTS, synthesised } from './variants.ts'

const infra = join(__dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'lint-'))

const assemblies = Object.entries(VARIANTS).map(([name, context]) => {
  const out = join(folder, name.replace(/\W+/g, '-'))
  synthesised(context, out).app.synth()
  return out
})
const files = [join(infra, 'templates'), ...assemblies].flatMap((from) => {
  return readdirSync(from)
    .filter((file) => file.endsWith('.template.json'))
    .map((file) => join(from, file))
})
const { status, error } = spawnSync('cfn-lint', ['--regions', 'eu-central-1', '--', ...files], {
  cwd: infra,
  stdio: 'inherit',
})
rmSync(folder, { recursive: true })
if (error !== undefined) console.error(`cfn-lint cannot be started (${error.message}): pip install cfn-lint==1.58.0`)
else console.log(`${files.length} templates looked at`)
process.exitCode = status ?? 1
