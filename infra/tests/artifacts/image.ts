// Builds the worker's image as worker/Dockerfile says, with buildah, and unpacks it. Base images cannot be had everywhere,
// so the base is made of the Debian packages that distroless is made of, and the binary is the one that is already built:
// everything from the binary on is the Dockerfile's.

import { chmodSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { asRoot, binary, must, REPOSITORY } from './running.ts'

interface Descriptor {
  readonly digest: string
  readonly mediaType: string
}

/** What an OCI image says of itself. @see OCI image specification, config.md */
export interface ImageConfig {
  readonly architecture: string
  readonly os: string
  readonly created?: string
  readonly config: {
    readonly User?: string
    readonly Entrypoint?: readonly string[]
    readonly Cmd?: readonly string[]
    readonly Env?: readonly string[]
    readonly ExposedPorts?: unknown
    readonly Volumes?: unknown
    readonly Labels?: Readonly<Record<string, string>>
  }
}

export interface Image {
  readonly config: ImageConfig
  readonly digest: string
  /** The unpacked root. */
  readonly root: string
}

/** Debian's own packages of what is in distroless/cc-debian12 and matters here: C library, unwinder, roots of trust. */
const PACKAGES = ['libc6', 'libgcc-s1', 'ca-certificates']

export class Builder {
  readonly #dir: string

  constructor(dir: string) {
    this.#dir = dir
    chmodSync(dir, 0o755)
  }

  #buildah(...args: string[]): Promise<string> {
    const places = ['--root', join(this.#dir, 'store'), '--runroot', join(this.#dir, 'run')]
    const [command, rest] = asRoot('buildah', '--storage-driver', 'vfs', ...places, ...args)
    return must(command, rest)
  }

  /** The base, as `localhost/base:1`. */
  async base(): Promise<void> {
    const [packages, base] = [join(this.#dir, 'packages'), join(this.#dir, 'base')]
    for (const folder of [packages, base]) mkdirSync(folder)
    chmodSync(packages, 0o777)
    await must('apt-get', ['download', '-q', ...PACKAGES], { cwd: packages })
    for (const file of readdirSync(packages)) await must('dpkg-deb', ['-x', join(packages, file), join(base, 'rootfs')])
    // What ca-certificates' postinst does.
    const roots = join(base, 'rootfs/usr/share/ca-certificates/mozilla')
    const bundle = readdirSync(roots).map((name) => readFileSync(join(roots, name), 'utf8'))
    mkdirSync(join(base, 'rootfs/etc/ssl/certs'), { recursive: true })
    writeFileSync(join(base, 'rootfs/etc/ssl/certs/ca-certificates.crt'), bundle.join(''))
    writeFileSync(join(base, 'Dockerfile'), 'FROM scratch\nCOPY rootfs /\n')
    await this.#buildah('bud', '--isolation', 'chroot', '--quiet', '--tag', 'base:1', base)
  }

  /** The worker's image on that base, unpacked into a folder of this name. */
  async worker(name: string, args: Readonly<Record<string, string>> = {}): Promise<Image> {
    const context = join(this.#dir, `${name}-context`)
    mkdirSync(join(context, 'work'), { recursive: true })
    // Without what a debug build has for debuggers, which is most of it: a release has none either.
    await must('strip', ['-o', join(context, 'profile-worker'), binary('profile-worker', 'PROFILE_WORKER_BIN')])
    const given = Object.entries({ BASE: 'localhost/base:1', BINARY: 'given', ...args })
    await this.#buildah(
      'bud', '--isolation', 'chroot', '--quiet', '--timestamp', '0', '--format', 'oci', '--tag', `${name}:1`,
      ...given.flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]),
      '--file', join(REPOSITORY, 'worker/Dockerfile'), context,
    )
    const layout = join(this.#dir, `${name}-layout`)
    await this.#buildah('push', '--quiet', `${name}:1`, `oci:${layout}:1`)
    const [command, rest] = asRoot('chmod', '-R', 'a+rX', layout)
    await must(command, rest)
    return unpack(layout, join(this.#dir, `${name}-root`))
  }
}

/** Lays the image's layers over each other, as a container runtime does. */
async function unpack(layout: string, root: string): Promise<Image> {
  const blob = ({ digest }: Descriptor) => join(layout, 'blobs', digest.replace(':', '/'))
  const read = <T>(path: string) => JSON.parse(readFileSync(path, 'utf8')) as T
  const [entry] = read<{ manifests: Descriptor[] }>(join(layout, 'index.json')).manifests
  const manifest = read<{ config: Descriptor; layers: Descriptor[] }>(blob(entry!))
  mkdirSync(root)
  for (const layer of manifest.layers) {
    const files = await must('tar', ['--list', '--file', blob(layer)])
    if (/(^|\/)\.wh\./m.test(files)) throw new Error('a layer deletes files, which is not unpacked here')
    const [command, rest] = asRoot('tar', '--extract', '--same-owner', '--file', blob(layer), '--directory', root)
    await must(command, rest)
  }
  return { config: read(blob(manifest.config)), digest: entry!.digest, root }
}
