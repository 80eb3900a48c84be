// The worker's image: that it is what a deployment relies on, and that what is in it runs, makes an item, and trusts whom it
// should. It is unpacked and entered with chroot(2) as its own user, with nothing of this machine but the network.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'

import { SCRATCH_PATH } from '../../src/worker/scratch.ts'
import { confirmation, itemOf, SUB } from './confirmation.ts'
import { Builder, type Image } from './image.ts'
import { asRoot, binary, eventually, freePort, localStack, must, REPOSITORY, run, Running } from './running.ts'

const USER = '65532:65532'

let dir: string
let builder: Builder
let image: Image

/** A command in the image, as its user, with these variables and no others (but the path on which chroot is found). */
function inside(of: Image, env: Readonly<Record<string, string>>, ...args: string[]): [string, string[]] {
  const variables = Object.entries({ PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...env }).map(([name, value]) => `${name}=${value}`)
  const entry = of.config.config.Entrypoint!
  return asRoot('env', '-i', ...variables, 'chroot', `--userspec=${of.config.config.User}`, of.root, ...entry, ...args)
}

describe('the worker image', { timeout: 600_000 }, () => {
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'worker-image-'))
    builder = new Builder(dir)
    await builder.base()
    image = await builder.worker('worker', { VERSION: '1.2.3', REVISION: 'abc', SOURCE: 'https://example.com/r' })
  })
  after(async () => {
    const [command, args] = asRoot('rm', '-rf', dir)
    await must(command, args)
  })

  test('starts the worker, as nobody, and listens nowhere', () => {
    const { config } = image.config
    assert.equal(config.User, USER)
    assert.deepEqual(config.Entrypoint, ['/profile-worker'])
    assert.deepEqual(config.Cmd, ['run'])
    assert.equal(config.ExposedPorts, undefined)
    assert.deepEqual(config.Volumes, { [SCRATCH_PATH]: {} })
  })

  test('says what it is and what it was made of', () => {
    const { Labels: labels = {} } = image.config.config
    const says = (name: string) => labels[`org.opencontainers.image.${name}`]
    assert.equal(says('title'), 'profile-worker')
    assert.equal(says('licenses'), 'Apache-2.0')
    assert.equal(says('version'), '1.2.3')
    assert.equal(says('revision'), 'abc')
    assert.equal(says('source'), 'https://example.com/r')
    assert.ok(says('description'))
  })

  test('holds nothing that its user owns or could write but the folder of the jobs, the program least of all', async () => {
    const [command, args] = asRoot('find', image.root, '-user', '65532', '-o', '-perm', '-o+w', '!', '-type', 'l')
    const scratch = join(image.root, SCRATCH_PATH)
    assert.equal((await must(command, args)).trim(), scratch, 'the user must own nothing else and write nowhere else')
    assert.equal(statSync(scratch).mode & 0o7777, 0o755)
    const mode = statSync(join(image.root, 'profile-worker'))
    assert.equal(mode.mode & 0o7777, 0o755)
    assert.equal(mode.uid, 0)
  })

  test('is the same image when it is built again', async () => {
    const again = await builder.worker('again', { VERSION: '1.2.3', REVISION: 'abc', SOURCE: 'https://example.com/r' })
    assert.equal(again.digest, image.digest)
  })

  test('tells its version', async () => {
    const ended = await run(...inside(image, {}, '--version'))
    assert.match(ended.stdout, /^profile-worker \d+\.\d+\.\d+/)
    assert.equal(ended.status, 0)
  })

  test('is unhealthy while no worker answers', async () => {
    const port = await freePort()
    const ended = await run(...inside(image, { ADMIN_ADDR: `127.0.0.1:${port}` }, 'health'))
    assert.equal(ended.status, 1, ended.stderr)
  })

  test('makes an item, is healthy meanwhile, and drains when it is told to stop', async () => {
    const { env, stack } = await localStack()
    const admin = `127.0.0.1:${await freePort()}`
    const [command, args] = inside(image, { ...env, ADMIN_ADDR: admin }, ...image.config.config.Cmd!)
    const worker = new Running(command, args)
    try {
      await eventually('the worker is healthy', async () => {
        assert.equal(worker.child.exitCode, null, worker.stderr)
        const ended = await run(...inside(image, { ADMIN_ADDR: admin }, 'health'))
        return ended.status === 0 || undefined
      })
      const event = join(dir, 'event.jsonl')
      writeFileSync(event, confirmation())
      await must(binary('local', 'LOCAL_BIN'), ['send', event], { env })
      const item = await eventually('there is an item', () => itemOf(env))
      assert.equal(item.id.S, SUB)
    } finally {
      const status = await worker.stop()
      await stack.stop()
      assert.equal(status, 0, worker.stderr)
    }
  })

  test('trusts the roots in its own /etc/ssl/certs, and only those', async () => {
    const authority = await authorityOfItsOwn(dir)
    const { server, port, seen } = await httpsServer(authority)
    const env = {
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_ENDPOINT_URL: `https://127.0.0.1:${port}`,
      QUEUE_URL: `https://127.0.0.1:${port}/111122223333/profile-confirmations`,
      TABLE_NAME: 'UserProfile-local-NONE',
    }
    const bundle = join(image.root, 'etc/ssl/certs/ca-certificates.crt')
    try {
      await run(...inside(image, env, 'check'))
      assert.equal(seen.requests, 0, 'a stranger was trusted')
      assert.ok(seen.refusals > 0, 'nobody asked')
      const all = readFileSync(bundle, 'utf8') + readFileSync(authority.cert, 'utf8')
      writeFileSync(join(dir, 'bundle'), all)
      await must(...asRoot('cp', join(dir, 'bundle'), bundle))
      await run(...inside(image, env, 'check'))
      assert.ok(seen.requests > 0, 'a root of the image was not trusted')
    } finally {
      server.close()
    }
  })
})

test('the builder is the toolchain that the repository names', () => {
  const read = (path: string) => readFileSync(join(REPOSITORY, path), 'utf8')
  const channel = /^channel = "(.+)"$/m.exec(read('rust-toolchain.toml'))?.[1]
  const builder = /^ARG BUILDER=docker\.io\/library\/rust:([\d.]+)-bookworm$/m.exec(read('worker/Dockerfile'))?.[1]
  assert.ok(channel)
  assert.equal(builder, channel)
})

test('what .dockerignore lets through is a workspace that cargo can read', async () => {
  const context = mkdtempSync(join(tmpdir(), 'build-context-'))
  const store = mkdtempSync(join(tmpdir(), 'build-context-store-'))
  try {
    writeFileSync(join(store, 'Dockerfile'), 'FROM scratch\nCOPY . /\n')
    const places = ['--storage-driver', 'vfs', '--root', join(store, 'root'), '--runroot', join(store, 'run')]
    const buildah = (...args: string[]) => must(...asRoot('buildah', ...places, ...args))
    await buildah('bud', '--isolation', 'chroot', '--quiet', '--tag', 'context:1', '--file', join(store, 'Dockerfile'), REPOSITORY)
    const container = (await buildah('from', 'context:1')).trim()
    const mounted = (await buildah('mount', container)).trim()
    await must(...asRoot('cp', '-r', `${mounted}/.`, context))
    const files = await must('find', [context, '-name', 'target', '-o', '-name', 'node_modules', '-o', '-name', '.git'])
    assert.equal(files, '')
    const { CARGO_TARGET_DIR: _, ...env } = process.env
    const metadata = await must('cargo', ['metadata', '--locked', '--format-version', '1', '--no-deps'], { cwd: context, env })
    const { packages } = JSON.parse(metadata) as { packages: { targets: { src_path: string }[] }[] }
    const sources = packages.flatMap((each) => each.targets.map((target) => target.src_path))
    assert.ok(sources.length > 10)
    for (const source of sources) assert.ok(statSync(source).isFile(), source)
  } finally {
    await must(...asRoot('rm', '-rf', context, store))
  }
})

interface Authority {
  readonly key: string
  readonly cert: string
}

/** A root that nobody knows, and that is its own server's certificate. */
async function authorityOfItsOwn(into: string): Promise<Authority> {
  const authority = { key: join(into, 'key.pem'), cert: join(into, 'cert.pem') }
  await must('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
    '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-addext', 'basicConstraints=critical,CA:FALSE',
    '-keyout', authority.key, '-out', authority.cert,
  ])
  return authority
}

function httpsServer({ key, cert }: Authority) {
  const seen = { requests: 0, refusals: 0 }
  return new Promise<{ server: Server; port: number; seen: typeof seen }>((done) => {
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, answer) => {
      seen.requests += 1
      answer.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' }).end('{}')
    })
    server.on('tlsClientError', () => (seen.refusals += 1))
    server.listen(0, '127.0.0.1', () => done({ server, port: (server.address() as { port: number }).port, seen }))
  })
}
