// Lambda's Runtime API, as far as one function on this machine needs it, with the test in Cognito's place
// (Lambda developer guide, "Using the Lambda runtime API for custom runtimes").

import { randomUUID } from 'node:crypto'
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

interface Invocation {
  readonly id: string
  readonly event: string
  readonly answered: (answer: Answer) => void
}

export interface Answer {
  readonly kind: 'response' | 'error'
  readonly body: string
}

export class RuntimeApi {
  readonly #waiting: Invocation[] = []
  readonly #running = new Map<string, Invocation>()
  readonly #server = createServer((request, response) => void this.#serve(request, response))
  #idle: ServerResponse | undefined

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  stop(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  /** Hands an event over and waits for what the function makes of it. */
  invoke(event: string): Promise<Answer> {
    return new Promise((resolve) => {
      this.#waiting.push({ id: randomUUID(), event, answered: resolve })
      this.#handOver()
    })
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? ''
    if (url === '/2018-06-01/runtime/invocation/next') {
      this.#idle = response
      this.#handOver()
      return
    }
    const [, id, kind] = /^\/2018-06-01\/runtime\/invocation\/([^/]+)\/(response|error)$/.exec(url) ?? []
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    response.writeHead(202).end('{}')
    const invocation = this.#running.get(id ?? '')
    if (invocation === undefined) return
    this.#running.delete(invocation.id)
    invocation.answered({ kind: kind as Answer['kind'], body: Buffer.concat(chunks).toString() })
  }

  #handOver(): void {
    if (this.#idle === undefined) return
    const next = this.#waiting.shift()
    if (next === undefined) return
    this.#running.set(next.id, next)
    this.#idle.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': next.id,
      'lambda-runtime-deadline-ms': String(Date.now() + 4_000),
      'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:eu-central-1:111122223333:function:trigger',
    })
    this.#idle.end(next.event)
    this.#idle = undefined
  }
}
