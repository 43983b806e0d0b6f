// Visitors with the SDK, the program ownwire, and the example clients behind it: the whole way of a text and back.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { Ownwire } from "flowersec/ownwire";
import { killAll, languages, startClient, unpackedClients } from "./client_process.mjs";
import { isBuilt, keyFolder, startGateway } from "./gateway_process.mjs";
import { languageModel, mailbox } from "./internal_port.mjs";

const patience = { timeout: 120_000 };

let clients;
let keys;
let gateway;
const chats = [];

before(async () => {
  if (!isBuilt) return;
  clients = unpackedClients();
  keys = keyFolder();
  gateway = await startGateway(keys.folder);
});
after(async () => {
  await gateway?.stop();
  clients?.remove();
  keys?.remove();
});
afterEach(async () => {
  for (const chat of chats.splice(0)) chat.close();
  await killAll(); // a client that is about to die would be handed the next test's texts
});

/** A visitor who has sent nothing so far. `reply()` is the next reply. */
function visitor(options = {}) {
  const { ws_url: url, server_key: key } = gateway.ready;
  const chat = new Ownwire(url, { server_keys: [key], ...options });
  const replies = mailbox();
  chat.onMessage = (content, info) => replies.put({ content, ...info });
  chats.push(chat);
  return { chat, opened: chat.connect(), send: (text) => chat.send(text), reply: replies.next };
}

for (const language of languages) {
  describe(`with the ${language.name} client`, { skip: (!isBuilt && "no ownwire in the build") || (!language.isThere() && "not installed: tools/setup") }, () => {
    const start = (program, ...flags) => startClient(clients, language, program, "--url", gateway.ready.internal_ws_url, ...flags);

    test("each visitor gets the own texts back, in order, with the metadata", patience, async () => {
      const bot = start("echo_bot");
      await bot.said(/connected to/);
      const first = visitor({ metadata: "username:user1" });
      const second = visitor();
      for (let i = 0; i < 10; i++) {
        first.send(`first ${i}`);
        second.send(`second ${i}`);
      }
      for (let i = 0; i < 10; i++) {
        const [one, other] = await Promise.all([first.reply(), second.reply()]);
        assert.deepEqual([one.content, one.metadata, other.content, other.metadata], [`first ${i}`, "username:user1", `second ${i}`, undefined]);
      }
    });

    test("texts that come while the client is restarted arrive once", patience, async () => {
      const { send, reply } = visitor();
      const before = start("echo_bot");
      send("one");
      assert.equal((await reply()).content, "one");
      await before.stop();
      send("two");
      send("three");
      start("echo_bot");
      assert.deepEqual([(await reply()).content, (await reply()).content], ["two", "three"]);
      send("four");
      assert.equal((await reply()).content, "four", "and nothing twice in between");
    });

    test("the language model's answer comes back, and the next question has the conversation", patience, async () => {
      const model = await languageModel();
      start("internal_ws_client", `--openai-api-key-fn=${clients.secretFile(".openai_key", "sk-test")}`, "--base-url", model.url);
      const { send, reply } = visitor();
      send("Is the shop open?");
      (await model.question()).answer("Until six.");
      assert.equal((await reply()).content, "Until six.");
      send("Tomorrow?");
      const { messages, answer } = await model.question();
      assert.deepEqual(messages.slice(1).map(({ content }) => content), ["Is the shop open?", "Until six.", "Tomorrow?"]);
      answer("As well.");
      assert.equal((await reply()).content, "As well.");
      await model.stop();
    });

    test("a gateway that is restarted is found again by both sides", patience, async () => {
      const bot = start("echo_bot");
      const { send, reply } = visitor({ reconnect: { maxAttempts: 50, initialDelayMs: 50, maxDelayMs: 200 } });
      send("before");
      assert.equal((await reply()).content, "before");
      const at = { port: Number(new URL(gateway.ready.http_url).port), internalPort: Number(new URL(gateway.ready.internal_ws_url).port) };
      assert.equal(await gateway.stop(), 0);
      await bot.said(/closed: code 1001/);
      gateway = await startGateway(keys.folder, at);
      send("after");
      assert.equal((await reply()).content, "after");
    });
  });
}
