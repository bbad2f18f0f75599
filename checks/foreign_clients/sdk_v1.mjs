// The first generation of the official TypeScript SDK (initialize era) over each transport that it has.
//
//     node sdk_v1.mjs URL DATA COMMAND [ARGUMENT…]
//
// URL is a running HTTP server's; the command starts a stdio server on the data directory DATA.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { converse } from "./conversation.mjs";

const [url, data, command, ...args] = process.argv.slice(2);
const NAME = "sdk v1 check";
const AUTHOR = /^sdk-v1-check@[\w.-]+$/;
// A stateless endpoint has forgotten the client's name from `initialize` when the next request comes.
const NOBODY = /^anonymous$/;

const connections = {
  "v1 stdio": [() => new StdioClientTransport({ command, args: [...args, "--data", data] }), AUTHOR],
  "v1 http": [() => new StreamableHTTPClientTransport(new URL("/mcp", url)), NOBODY],
  "v1 sse": [() => new SSEClientTransport(new URL("/sse", url)), AUTHOR],
};

let passed = true;
for (const [label, [transport, author]] of Object.entries(connections)) {
  const connect = async () => {
    const client = new Client({ name: NAME, version: "1.0.0" });
    await client.connect(transport());
    return client;
  };
  passed = (await converse(label, connect, { author })) && passed;
}
process.exit(passed ? 0 : 1);
