// The zips of the trigger: what Lambda will find in them, and that it runs. They are made by `npm run assets`; the one of
// this machine's processor has to be there, another is looked at if it is.

import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'

import { App, Stack } from 'aws-cdk-lib'
import { Architecture } from 'aws-cdk-lib/aws-lambda'

import { atMost, describe as describeBinary } from '../../artifacts/elf.ts'
import { functionZip, GLIBC, objection } from '../../artifacts/zip.ts'
import { ConfirmationIngress } from '../../src/index.ts'
import { confirmation, itemOf } from './confirmation.ts'
import { binary, eventually, localStack, must, REPOSITORY, run, Running } from './running.ts'
import { invoke } from './runtime-api.ts'

const OWN = process.arch === 'arm64' ? 'arm64' : 'x86_64'
/** Debian's cross C library, on which qemu runs what this processor cannot. */
const CROSS = { arm64: ['qemu-aarch64-static', '/usr/aarch64-linux-gnu'], x86_64: ['qemu-x86_64-static', '/usr/x86_64-linux-gnu'] }

/** The command line that runs a binary of this architecture here; undefined if nothing does. */
async function runner(architecture: 'arm64' | 'x86_64'): Promise<string[] | undefined> {
  if (architecture === OWN) return []
  const [qemu, root] = CROSS[architecture] as [string, string]
  const there = existsSync(root) && (await run('which', [qemu])).status === 0
  return there ? [qemu, '-L', root] : undefined
}

for (const architecture of ['x86_64', 'arm64'] as const) {
  const zip = join(REPOSITORY, `infra/assets/trigger-${architecture}.zip`)
  const missing = existsSync(zip) || architecture === OWN ? false : `${zip} is not there`

  describe(`the trigger for ${architecture}`, { skip: missing }, () => {
    let dir: string
    let bootstrap: string
    before(async () => {
      assert.ok(existsSync(zip), `${zip} is not there: npm run assets`)
      dir = mkdtempSync(join(tmpdir(), 'trigger-'))
      bootstrap = join(dir, 'bootstrap')
      await must('python3', ['-m', 'zipfile', '-e', zip, dir])
      // Python's zipfile leaves the mode out; that the zip has it is a test of its own.
      chmodSync(bootstrap, 0o755)
    })
    after(() => rmSync(dir, { recursive: true, force: true }))

    test('is one executable file, called bootstrap, without a date', async () => {
      const list = 'import sys, zipfile\nfor i in zipfile.ZipFile(sys.argv[1]).infolist(): print(i.filename, oct(i.external_attr >> 16), *i.date_time[:3])'
      assert.equal(await must('python3', ['-c', list, zip]), 'bootstrap 0o100755 1980 1 1\n')
    })

    test('is what the construct takes for this processor', () => {
      const is = architecture === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64
      const { triggerFunction } = new ConfirmationIngress(new Stack(new App(), 'auth'), 'Ingress', { architecture: is })
      assert.equal(triggerFunction?.architecture.name, architecture)
    })

    test(`runs where glibc is ${GLIBC}, and is for this processor, as readelf sees it`, async () => {
      const machine = /Machine:\s+(.*)/.exec(await must('readelf', ['--file-header', bootstrap]))?.[1]
      assert.equal(machine, { x86_64: 'Advanced Micro Devices X86-64', arm64: 'AArch64' }[architecture])
      const needs = await must('readelf', ['--version-info', '--wide', bootstrap])
      const versions = [...needs.matchAll(/Name: GLIBC_([\d.]+)/g)].map((match) => match[1]!)
      assert.ok(versions.length > 0, 'no version was read')
      for (const version of versions) assert.ok(atMost(version, GLIBC), `needs glibc ${version}`)
      // Nothing but glibc's own libraries is there in every runtime.
      const dynamic = await must('readelf', ['--dynamic', bootstrap])
      const libraries = [...dynamic.matchAll(/NEEDED.*\[(.*)\]/g)].map((match) => match[1]!)
      for (const library of libraries) assert.match(library, /^(lib(c|m|dl|rt|pthread|gcc_s)\.so\.\d|ld-linux-.*)/)
    })

    test('names no folder of the machine that built it', () => {
      const bytes = readFileSync(bootstrap).toString('latin1')
      for (const path of [REPOSITORY, homedir(), tmpdir()].filter((path) => path.length > 1)) {
        assert.ok(!bytes.includes(`${path}/`), path)
      }
    })

    test('is small enough to start quickly: 4 MB packed, 6 MB unpacked', () => {
      assert.ok(statSync(zip).size <= 4_000_000, `${statSync(zip).size} bytes`)
      assert.ok(statSync(bootstrap).size <= 6_000_000, `${statSync(bootstrap).size} bytes, unpacked`)
    })

    test('gives Cognito its event back, and the worker makes the profile', async (t) => {
      const command = await runner(architecture)
      if (!command) return t.skip('nothing here runs it')
      const { env, stack } = await localStack()
      const invocation = await invoke(confirmation())
      const lambda = {
        AWS_LAMBDA_RUNTIME_API: invocation.address,
        AWS_LAMBDA_FUNCTION_NAME: 'post-confirmation',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      }
      const [first, ...rest] = [...command, bootstrap]
      const trigger = new Running(first!, rest, { ...env, ...lambda })
      try {
        const ended = trigger.ended.then((status) => assert.fail(`it ended with ${status}: ${trigger.stderr}`))
        const echo = await Promise.race([invocation.answer, ended])
        assert.deepEqual(JSON.parse(echo), JSON.parse(confirmation()))
        const worker = binary('profile-worker', 'PROFILE_WORKER_BIN')
        const done = await run(worker, ['run', '--until-empty', '1s'], { env: { ...env, ADMIN_ADDR: 'off' } })
        assert.equal(done.status, 0, done.stderr)
        assert.ok(await eventually('there is an item', () => itemOf(env)))
      } finally {
        await trigger.stop('SIGKILL')
        invocation.end()
        await stack.stop()
      }
    })
  })
}

describe('the zip of a function', () => {
  const binaryOf = (machine: number, strings: string) => {
    const header = Buffer.alloc(64)
    header.writeUInt32BE(0x7f454c46, 0)
    header[4] = 2
    header[5] = 1
    header.writeUInt16LE(machine, 18)
    return Buffer.concat([header, Buffer.from(strings, 'latin1')])
  }

  test('has the same bytes in every time zone', async () => {
    const script =
      "const { functionZip } = require('./artifacts/zip.ts'); process.stdout.write(Buffer.from(functionZip(Buffer.alloc(70000, 'profile'))).toString('base64'))"
    const inZone = (zone: string) =>
      must(process.execPath, ['--import', 'tsx', '-e', script], { cwd: join(REPOSITORY, 'infra'), env: { ...process.env, TZ: zone } })
    const [west, east] = await Promise.all([inZone('America/Los_Angeles'), inZone('Asia/Tokyo')])
    assert.equal(west, east)
    assert.ok(Buffer.from(west, 'base64').equals(functionZip(Buffer.alloc(70000, 'profile'))))
  })

  test('is refused for another processor, for a newer glibc, and for what is no binary', () => {
    const x86 = 0x3e
    assert.equal(objection(binaryOf(x86, '\0GLIBC_2.4\0GLIBC_2.26\0'), 'x86_64'), undefined)
    assert.match(objection(binaryOf(x86, '\0GLIBC_2.4\0GLIBC_2.34\0GLIBC_2.9\0'), 'x86_64')!, /needs glibc 2\.34/)
    assert.match(objection(binaryOf(x86, ''), 'arm64')!, /is for x86_64, not for arm64/)
    assert.throws(() => objection(Buffer.from('#!/bin/sh\n'), 'x86_64'), /no ELF/)
    assert.throws(() => objection(binaryOf(0x28, ''), 'arm64'), /neither x86_64 nor arm64/)
  })

  test('knows which glibc is newer', () => {
    assert.equal(describeBinary(binaryOf(0xb7, '\0GLIBC_2.17\0GLIBC_2.2.5\0')).glibc, '2.17')
    assert.equal(describeBinary(binaryOf(0xb7, 'static')).glibc, undefined)
    assert.ok(!atMost('2.26.1', '2.26'))
    assert.ok(atMost('2.9', '2.26'))
  })
})

test('an architecture that cannot be built is said and skipped, and stops a release', async () => {
  // A toolchain that has no standard library but its own.
  const dir = mkdtempSync(join(tmpdir(), 'no-targets-'))
  const other = OWN === 'arm64' ? 'x86_64' : 'arm64'
  try {
    await must('sh', ['-c', `cd '${dir}' && for tool in rustup cargo-zigbuild; do printf '#!/bin/sh\\n' >$tool && chmod +x $tool; done`])
    const env = { ...process.env, PATH: `${dir}:${process.env.PATH}` }
    const script = join(REPOSITORY, 'infra/artifacts/trigger')
    const skipped = await run(script, [other], { env })
    assert.equal(skipped.status, 0, skipped.stderr)
    assert.match(skipped.stdout, new RegExp(`^trigger-${other}.zip: skipped, .*rustup target add`))
    const refused = await run(script, ['--all', other], { env })
    assert.equal(refused.status, 69)
    assert.equal((await run(script, ['sparc'], { env })).status, 64)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})
