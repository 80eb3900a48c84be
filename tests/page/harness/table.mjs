// A way to DynamoDB on which writes can be made to fail, as they do in an outage. Everything else passes as it came.

import { createServer, request } from "node:http";
import { once } from "node:events";

const WRITES = /\.(PutItem|BatchExecuteStatement)$/;

export async function failingTable(target) {
  const { hostname, port } = new URL(target);
  const table = { fails: false, delay: 0 };
  const server = createServer((asked, answer) => {
    const write = WRITES.test(asked.headers["x-amz-target"] ?? "");
    if (table.fails && write) {
      asked.resume();
      answer.writeHead(500, { "content-type": "application/x-amz-json-1.0" });
      answer.end(JSON.stringify({ __type: "com.amazonaws.dynamodb.v20120810#InternalServerError", message: "scripted" }));
      return;
    }
    const onward = request({ hostname, port, method: asked.method, path: asked.url, headers: asked.headers }, (came) => {
      answer.writeHead(came.statusCode, came.headers);
      came.pipe(answer);
    });
    onward.on("error", () => answer.destroy());
    // As far away as a table is.
    if (write && table.delay) setTimeout(() => asked.pipe(onward), table.delay);
    else asked.pipe(onward);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  table.url = `http://127.0.0.1:${server.address().port}`;
  table.close = () => {
    server.close();
    server.closeAllConnections();
  };
  return table;
}
