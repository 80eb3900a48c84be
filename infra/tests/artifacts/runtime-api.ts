// Lambda's Runtime API for one event: what a bootstrap asks for work. Written from "Using the Lambda runtime API for custom
// runtimes" (Lambda developer guide); it knows nothing of the function.

import { createServer } from 'node:http'

export interface Invocation {
  /** For `AWS_LAMBDA_RUNTIME_API`. */
  readonly address: string
  /** What the function answers: the body of `…/response`; rejected with that of `…/error`. */
  readonly answer: Promise<string>
  readonly end: () => void
}

export function invoke(event: string): Promise<Invocation> {
  const waiting = [event]
  return new Promise((started) => {
    const answer = new Promise<string>((resolve, reject) => {
      const server = createServer((request, response) => {
        if (request.url?.endsWith('/invocation/next')) {
          const next = waiting.pop()
          // Lambda keeps a function waiting like this; it is frozen meanwhile.
          if (next === undefined) return
          response.writeHead(200, {
            'content-type': 'application/json',
            'lambda-runtime-aws-request-id': '00000000-0000-4000-8000-000000000001',
            'lambda-runtime-deadline-ms': String(Date.now() + 4000),
            'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:eu-central-1:111122223333:function:post-confirmation',
          })
          response.end(next)
          return
        }
        let body = ''
        request.on('data', (text) => (body += text))
        request.on('end', () => {
          response.writeHead(202).end()
          if (request.url?.endsWith('/response')) resolve(body)
          else reject(new Error(`the function failed: ${body}`))
        })
      })
      server.listen(0, '127.0.0.1', () => {
        const end = () => {
          server.closeAllConnections()
          server.close()
        }
        started({ address: `127.0.0.1:${(server.address() as { port: number }).port}`, answer, end })
      })
    })
  })
}
