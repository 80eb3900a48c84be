// The loop of a custom runtime around a handler: `node runtime.mjs FILE`. Lambda's own runtime interface client is a native
// module that has to be compiled; this one does nothing that it does not do, on one connection that stays open.

import { Agent, request } from 'node:http'
import { pathToFileURL } from 'node:url'

const agent = new Agent({ keepAlive: true, maxSockets: 1 })
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':')

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const sent = request({ agent, host, port, method, path: `/2018-06-01/runtime/${path}`, headers }, (answer) => {
      const parts = []
      answer.on('data', (part) => parts.push(part))
      answer.on('end', () => resolve({ headers: answer.headers, body: Buffer.concat(parts).toString() }))
      answer.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

const { handler } = await import(pathToFileURL(process.argv[2]).href)
for (;;) {
  const { headers, body } = await call('GET', 'invocation/next')
  const id = headers['lambda-runtime-aws-request-id']
  process.env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'] ?? ''
  try {
    await call('POST', `invocation/${id}/response`, JSON.stringify(await handler(JSON.parse(body))))
  } catch (error) {
    await call('POST', `invocation/${id}/error`, JSON.stringify({ errorType: error.name, errorMessage: error.message }))
  }
}
