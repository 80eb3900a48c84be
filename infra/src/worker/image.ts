// The image (worker/Dockerfile): what the tasks rely on in it, and the one that belongs to this version of the package. Its
// name stands in package.json (`config.image`) and is set by the release, after the image was published: a name that
// nobody has published must never reach a task definition.

import { ownPackage } from '../own-package.ts'

/** The binary, and the entry point. */
export const BINARY = '/profile-worker'

/** Nobody. In the image only the folder of the jobs (scratch.ts) is his. */
export const USER = '65532:65532'

/** `registry/repository@digest`, or `undefined` in a copy of the package that no release has made. */
export const publishedImage = (from?: string): string | undefined => ownPackage(from)?.image
