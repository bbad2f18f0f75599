// What an assistant does with fleetlore from beginning to end, through any client that has the official SDK's methods.

import assert from "node:assert/strict";

const TIMEOUT_MS = 60_000;

/**
 * Runs every check over a fresh connection and reports each on a line of its own: `pass LABEL: what` or
 * `FAIL LABEL: what: why`. Checks build on each other, so the first failure of a connection skips the rest.
 *
 * `connect` gives a connected client; `expected` says what it should find: `author`, the agent that a caller is who
 * names none, and `protocol`, the revision they agree on (undefined where the SDK does not tell).
 *
 * Resolves to whether all of them passed.
 */
export async function converse(label, connect, expected) {
  const word = label.replaceAll(/[^a-z0-9]+/g, "");
  const memory = {};
  let client;
  try {
    for (const [what, check] of [["connects", async () => { client = await connect(); }], ...CHECKS]) {
      try {
        await withTimeout(check({ client, word, memory, expected, ...tools(client) }));
      } catch (error) {
        console.log(`FAIL ${label}: ${what}: ${error.message.replaceAll(/\s+/g, " ")}`);
        return false;
      }
      console.log(`pass ${label}: ${what}`);
    }
    return true;
  } finally {
    await client?.close();
  }
}

function withTimeout(work) {
  let timer;
  const expired = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)), TIMEOUT_MS);
  });
  return Promise.race([work, expired]).finally(() => clearTimeout(timer));
}

/** The three tools and the resources as functions that give what a model or a program would read. */
function tools(client) {
  const call = async (name, args) => {
    const result = await client.callTool({ name, arguments: args });
    const text = result.content.map((block) => block.text).join("\n");
    assert.ok(!result.isError, text);
    return { ...result.structuredContent, text };
  };
  return {
    retrieve: (args) => call("retrieve_knowledge", args),
    submit: (args) => call("submit_feedback", args),
    prune: (args) => call("prune", args),
    resource: async (uri) => JSON.parse((await client.readResource({ uri })).contents[0].text),
  };
}

const task = (word) => `rotate the signing key of the ${word} gateway`;
const insight = (word) => `Drain the ${word} gateway before you rotate its signing key, or open sessions fail with E4711`;

const CHECKS = [
  ["the server names itself and says how to use it", async ({ client, expected }) => {
    assert.equal(client.getServerVersion().name, "fleetlore");
    assert.match(client.getServerVersion().version, /^\d+\.\d+\.\d+/);
    assert.match(client.getInstructions(), /retrieve_knowledge/);
    if (expected.protocol) assert.equal(client.getNegotiatedProtocolVersion(), expected.protocol);
  }],

  ["three tools with schemas and hints", async ({ client }) => {
    const listed = (await client.listTools()).tools;
    assert.deepEqual(listed.map((tool) => tool.name), ["retrieve_knowledge", "submit_feedback", "prune"]);
    for (const tool of listed) {
      assert.equal(tool.inputSchema.additionalProperties, false);
      assert.ok(tool.outputSchema);
    }
    assert.deepEqual(listed.map((tool) => tool.annotations.readOnlyHint), [true, false, false]);
    assert.deepEqual(listed.map((tool) => tool.annotations.destructiveHint), [false, false, true]);
  }],

  ["retrieve: nothing is known at first", async ({ word, retrieve }) => {
    const found = await retrieve({ task: task(word) });
    assert.deepEqual(found.items, []);
    assert.equal(found.control.mode, "explore");
    assert.match(found.receipt, /^r_/);
    assert.ok(found.text.includes(found.receipt));
  }],

  ["submit: an insight is learnt, provisionally", async ({ word, submit, memory }) => {
    const answer = await submit({ task: task(word), outcome: "success", insight: insight(word) });
    assert.match(answer.feedback, /^f_/);
    const [learned] = answer.learned;
    assert.deepEqual(
      [learned.space, learned.status, learned.decision, answer.learned.length], ["general", "provisional", "new", 1],
    );
    assert.ok(answer.text.includes(learned.id));
    memory.item = learned.id;
  }],

  ["retrieve: another agent finds it", async ({ word, retrieve, memory }) => {
    const found = await retrieve({ task: task(word), agent: `${word}-second` });
    assert.deepEqual(found.items.map((item) => [item.id, item.insight, item.status]), [
      [memory.item, insight(word), "provisional"],
    ]);
    assert.ok(found.text.includes(insight(word)));
    memory.receipt = found.receipt;
  }],

  ["submit: a receipt credits what helped", async ({ word, submit, memory }) => {
    const answer = await submit({
      task: task(word), outcome: "success", receipt: memory.receipt, helpful: [memory.item], agent: `${word}-second`,
    });
    assert.deepEqual(answer.credited, [memory.item]);
  }],

  ["submit: a misspelt argument is refused and the right one named", async ({ client, word }) => {
    const result = await client.callTool({ name: "submit_feedback", arguments: { task: task(word), lesson: "lost" } });
    assert.equal(result.isError, true);
    assert.match(result.content[0].text, /lesson.*insight/);
  }],

  ["submit: an agent's own insight stays its own", async ({ word, submit, retrieve }) => {
    const mine = { agent: `${word}-owner`, task_type: "key-rotation" };
    const answer = await submit({
      task: task(word), outcome: "success", space: "prompt", insight: `List the steps for ${word} first`, ...mine,
    });
    const own = answer.learned[0].id;
    const ids = async (args) => (await retrieve({ task: task(word), ...args })).items.map((item) => item.id);
    assert.ok((await ids(mine)).includes(own));
    assert.ok(!(await ids({ ...mine, agent: `${word}-other` })).includes(own));
  }],

  ["resources: the spaces, an item's history, the status", async ({ client, word, resource, memory, expected }) => {
    const uris = (await client.listResources()).resources.map((entry) => entry.uri);
    assert.ok(uris.includes("fleetlore://general") && uris.includes("fleetlore://status"));
    const templates = (await client.listResourceTemplates()).resourceTemplates.map((entry) => entry.uriTemplate);
    assert.ok(templates.includes("fleetlore://prompt/{agent}") && templates.includes("fleetlore://item/{id}"));

    const general = await resource("fleetlore://general");
    assert.ok(general.items.some((item) => item.id === memory.item));
    const own = await resource(`fleetlore://prompt/${word}-owner`);
    assert.deepEqual(own.items.map((item) => item.insight), [`List the steps for ${word} first`]);
    const item = await resource(`fleetlore://item/${memory.item}`);
    assert.equal(item.insight, insight(word));
    assert.match(item.author, expected.author);
    assert.ok(item.history.length > 0);
    assert.equal((await resource("fleetlore://status")).status, "ok");
  }],

  ["resources: an unknown item is an error", async ({ client }) => {
    await assert.rejects(client.readResource({ uri: "fleetlore://item/k_00000000000000000000" }), /no item/);
  }],

  ["prompts: a task with what is known, and the report after it", async ({ client, word }) => {
    const names = (await client.listPrompts()).prompts.map((prompt) => prompt.name);
    assert.deepEqual(names, ["start_task", "report_outcome"]);
    const read = async (name) => {
      const prompt = await client.getPrompt({ name, arguments: { task: task(word) } });
      return prompt.messages.map((message) => message.content.text).join("\n");
    };
    const start = await read("start_task");
    assert.ok(start.includes(task(word)) && start.includes(insight(word)) && /receipt: r_/.test(start));
    assert.match(await read("report_outcome"), /submit_feedback/);
  }],

  ["prune: a plan is shown and takes nothing", async ({ word, prune, retrieve, memory }) => {
    const shown = await prune({ ids: [memory.item], reason: "the gateway is gone" });
    assert.match(shown.plan, /^p_/);
    assert.deepEqual([shown.applied, shown.items.map((item) => item.id)], [false, [memory.item]]);
    assert.equal((await retrieve({ task: task(word) })).items[0].id, memory.item);
    memory.plan = shown.plan;
  }],

  ["prune: the plan is applied as shown", async ({ word, prune, retrieve, memory }) => {
    const applied = await prune({ plan: memory.plan, apply: true });
    assert.deepEqual([applied.plan, applied.applied], [memory.plan, true]);
    assert.deepEqual((await retrieve({ task: task(word) })).items, []);
  }],

  ["prune: undo brings the item back", async ({ word, prune, retrieve, memory }) => {
    const undone = await prune({ undo: memory.plan });
    assert.deepEqual([undone.plan, undone.applied], [memory.plan, false]);
    assert.deepEqual((await retrieve({ task: task(word) })).items.map((item) => item.id), [memory.item]);
  }],

  ["prune: a second plan clears up", async ({ prune, memory }) => {
    assert.equal((await prune({ ids: [memory.item], reason: "end of the check", apply: true })).applied, true);
  }],
];
