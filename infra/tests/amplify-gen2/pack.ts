// Puts the package into node_modules as its users get it: built, packed by npm, unpacked. A link would lead back into the
// package's own node_modules and to a second copy of aws-cdk-lib, whose constructs are none to the first. What only a release
// puts in (the image's name, the trigger's zips) is replaced by a stand-in if this copy has none, and said.

import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { triggerZipFile } from '../trigger-zip.ts'

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url))
const PLACE = fileURLToPath(new URL('../../../target/amplify-gen2/pack', import.meta.url))
const INSTALLED = fileURLToPath(new URL('node_modules/profile-worker-cdk', import.meta.url))

const npm = (...args: readonly string[]): void => {
  execFileSync('npm', args, { cwd: PACKAGE, stdio: ['ignore', 'ignore', 'inherit'] })
}

// Of an earlier build nothing may be packed.
rmSync(join(PACKAGE, 'lib'), { recursive: true, force: true })
npm('run', 'build')
rmSync(PLACE, { recursive: true, force: true })
mkdirSync(PLACE, { recursive: true })
npm('pack', '--ignore-scripts', '--silent', '--pack-destination', PLACE)
const { name, version } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'))
rmSync(INSTALLED, { recursive: true, force: true })
mkdirSync(INSTALLED, { recursive: true })
execFileSync('tar', ['-xzf', join(PLACE, `${name}-${version}.tgz`), '-C', INSTALLED, '--strip-components=1'])

for (const machine of ['arm64', 'x86_64'] as const) {
  const zip = join(INSTALLED, 'assets', `trigger-${machine}.zip`)
  if (existsSync(zip)) continue
  mkdirSync(join(INSTALLED, 'assets'), { recursive: true })
  cpSync(triggerZipFile({ machine }), zip)
  console.log(`no trigger for ${machine} in this copy of the package: a stand-in is packed`)
}
const manifest = JSON.parse(readFileSync(join(INSTALLED, 'package.json'), 'utf8'))
if (!manifest.config?.image) {
  const config = { image: `registry.example/profile-worker:${version}` }
  writeFileSync(join(INSTALLED, 'package.json'), JSON.stringify({ ...manifest, config }, null, 2))
  console.log('no image in this copy of the package: a stand-in is named')
}
