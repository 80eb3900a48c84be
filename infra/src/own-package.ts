// This package's own folder and manifest, as it is installed: a compiled file stands deeper in it than its source, so the
// way up is asked for and not counted.

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const NAME = 'profile-worker-cdk'

export interface OwnPackage {
  readonly folder: string
  /** By the release: the image of this version. */
  readonly image: string | undefined
}

/** `undefined` where the package was bundled and its manifest left behind. */
export function ownPackage(from: string = __dirname): OwnPackage | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, 'package.json')
    if (existsSync(path)) {
      const manifest = JSON.parse(readFileSync(path, 'utf8')) as { name?: string; config?: { image?: string } }
      if (manifest.name === NAME) return { folder, image: manifest.config?.image || undefined }
    }
    if (dirname(folder) === folder) return undefined
  }
}
