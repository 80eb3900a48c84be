// What compose.yaml describes, with processes in place of containers. compose.test.ts starts this in a network of its own,
// as `network_mode: service:stack` makes one, so that the fixed ports collide with nobody's.
//
//   tsx compose-scene.ts    prints what was seen as JSON

import { join } from 'node:path'

import { type Compose, compose } from './compose.ts'
import { itemOf } from './confirmation.ts'
import { binary, eventually, must, REPOSITORY, run, Running } from './running.ts'

async function main(): Promise<void> {
  const { services, configs }: Compose = compose()
  const { stack, worker, confirmation } = services
  const programs = { local: binary('local', 'LOCAL_BIN'), worker: binary('profile-worker', 'PROFILE_WORKER_BIN') }
  const event = join(REPOSITORY, configs.confirmation!.file)
  const running = [
    new Running(programs.local, stack!.command!, {}),
    new Running(programs.worker, worker!.command!, worker!.environment),
  ]
  try {
    const [, entry, ...check] = worker!.healthcheck!.test
    if (entry !== '/profile-worker') throw new Error(`the health check runs ${entry}`)
    await eventually('the worker is healthy', async () => {
      for (const { child } of running) if (child.exitCode !== null) throw new Error(running.map((each) => each.stderr).join())
      const ended = await run(programs.worker, check, { env: worker!.environment! })
      return ended.status === 0 || undefined
    })
    const [target] = confirmation!.configs!
    const command = confirmation!.command!.map((word) => (word === target!.target ? event : word))
    const send = async () => JSON.parse(await must(programs.local, command, { env: confirmation!.environment! })) as unknown
    const sent = [await send(), await send()]
    const item = await eventually('there is an item', () => itemOf(worker!.environment!))
    const page = await fetch('http://127.0.0.1:9464/')
    await eventually('both were seen', async () => {
      const status = await (await fetch('http://127.0.0.1:9464/status.json')).text()
      return /"already_present":1\b/.test(status) || undefined
    })
    const stopping = running.pop()!
    const stopped = await stopping.stop()
    const summary = JSON.parse(stopping.stdout) as unknown
    console.log(JSON.stringify({ sent, item, page: page.status, stopped, summary }))
  } finally {
    for (const each of running) await each.stop()
  }
}

void main()
