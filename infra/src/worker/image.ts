// The image that belongs to this version of the package. Its name stands in package.json (`config.image`) and is set by
// the release, after the image was published: a name that nobody has published must never reach a task definition.

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const PACKAGE = 'profile-worker-cdk'

/** `registry/repository:version`, or `undefined` in a copy of the package that no release has made. */
export function publishedImage(from: string = __dirname): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, 'package.json')
    if (existsSync(path)) {
      const manifest = JSON.parse(readFileSync(path, 'utf8')) as { name?: string; config?: { image?: string } }
      if (manifest.name === PACKAGE) return manifest.config?.image || undefined
    }
    if (dirname(folder) === folder) return undefined
  }
}
