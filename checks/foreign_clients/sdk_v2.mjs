// The second generation of the official TypeScript SDK, which speaks both eras, over each transport that it has.
//
//     node sdk_v2.mjs URL DATA COMMAND [ARGUMENT…]
//
// URL is a running HTTP server's; the command starts a stdio server on the data directory DATA.

import { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { converse } from "./conversation.mjs";

const [url, data, command, ...args] = process.argv.slice(2);
const NAME = "sdk v2 check";
const AUTHOR = /^sdk-v2-check@[\w.-]+$/;
// A stateless endpoint has forgotten the client's name from `initialize` when the next request comes.
const NOBODY = /^anonymous$/;
const MODERN = "2026-07-28";
const LEGACY = "2025-11-25";

const stdio = () => new StdioClientTransport({ command, args: [...args, "--data", data] });
const http = () => new StreamableHTTPClientTransport(new URL("/mcp", url));
const sse = () => new SSEClientTransport(new URL("/sse", url));

const connections = {
  "v2 stdio, initialize": [stdio, "legacy", LEGACY, AUTHOR],
  "v2 stdio, discovered": [stdio, "auto", MODERN, AUTHOR],
  "v2 http, initialize": [http, "legacy", LEGACY, NOBODY],
  "v2 http, discovered": [http, "auto", MODERN, AUTHOR],
  "v2 http, pinned": [http, { pin: MODERN }, MODERN, AUTHOR],
  "v2 sse, initialize": [sse, "legacy", LEGACY, AUTHOR],
};

let passed = true;
for (const [label, [transport, mode, protocol, author]] of Object.entries(connections)) {
  const connect = async () => {
    const client = new Client({ name: NAME, version: "1.0.0" }, { versionNegotiation: { mode } });
    await client.connect(transport());
    return client;
  };
  passed = (await converse(label, connect, { author, protocol })) && passed;
}
process.exit(passed ? 0 : 1);
