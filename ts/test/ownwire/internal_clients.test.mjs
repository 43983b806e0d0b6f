// The example clients do what specification and README say of a client of the internal port: in Ruby, Python and Node.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { killAll, languages, startClient, unpackedClients } from "./client_process.mjs";
import { internalPort, languageModel } from "./internal_port.mjs";

const session = "6f1d3c52-7a57-4a7e-9f0e-0c2f6a4d8b11";
const another = "0b0f5d5a-2c5b-4a47-8d5c-3f0a8f6d9e22";
const apiKey = "sk-a-key-of-the-tests";
const token = "a-token-of-the-tests";
const apology = "Sorry, I cannot answer right now. Please try again later.";
const patience = { timeout: 120_000 };

let clients;
before(() => (clients = unpackedClients()));
after(() => clients?.remove());

test("the archive has what a user needs, and nothing that this machine made", () => {
  for (const name of ["README.md", "Gemfile", "internal_ws_client.rb", "internal_ws_client.py", "internal_ws_client.mjs", "package.json"]) {
    assert.ok(clients.has(name), name);
  }
  assert.ok(!clients.has("__pycache__"));
});

for (const language of languages) {
  describe(language.name, { skip: !language.isThere() && "not installed: tools/setup" }, () => {
    let port;
    let model;
    let client;
    before(async () => {
      port = await internalPort();
      model = await languageModel();
    });
    after(async () => {
      await killAll();
      await port.stop();
      await model.stop();
    });

    /** Runs `body` with a client that is connected. */
    async function connected(program, flags, body) {
      client = startClient(clients, language, program, "--url", port.url, ...flags);
      const connection = await Promise.race([port.connection(), client.ended.then((code) => assert.fail(`ended with ${code}: ${client.log.join("\n")}`))]);
      try {
        return await body(connection);
      } finally {
        await client.stop();
      }
    }
    const withModel = (body) => {
      const keyFile = clients.secretFile(".openai_key", `${apiKey}\n`);
      return connected("internal_ws_client", [`--openai-api-key-fn=${keyFile}`, "--base-url", `${model.url}/`], body);
    };

    test("every text goes back to its session, with its metadata, and an empty one does not", patience, async () => {
      await connected("echo_bot", [], async (connection) => {
        assert.equal(connection.headers.origin, undefined, "the internal port refuses those that show one");
        const texts = ["hello", "zwei\nZeilen, \"quoted\"", "\u0000 \u{1F980} ключ", "x".repeat(64 * 1024)];
        for (const [at, content] of texts.entries()) {
          const sent = at % 2 === 0 ? { content, session_id: session, metadata: "username:user1" } : { content, session_id: another };
          connection.send({ content: "", session_id: session });
          connection.send(sent);
          assert.deepEqual(await connection.reply(), { isBinary: false, ...sent });
        }
        await client.said(/empty content/);
        await connection.ping();
        assert.equal(connection.frames.size, 0, "nothing else was sent");
      });
    });

    test("what cannot be understood is logged, and the next text is answered", patience, async () => {
      await connected("echo_bot", [], async (connection) => {
        for (const bad of ["no JSON", "[1]", "null", "7"]) connection.send(bad);
        connection.send({ content: "still there?", session_id: session });
        assert.equal((await connection.reply()).content, "still there?");
        await client.said(/could not be answered/);
        assert.equal(connection.frames.size, 0);
      });
    });

    test("a lost connection is told with code and reason, and another one made", patience, async () => {
      await connected("echo_bot", [], async (first) => {
        first.close(1001, "the gateway ends");
        assert.equal((await first.closed).code, 1001);
        await client.said(/closed: code 1001, reason "the gateway ends"/);
        const second = await port.connection();
        second.cut();
        await client.said(/closed: code 1006/);
        const third = await port.connection();
        third.send({ content: "again", session_id: session });
        assert.equal((await third.reply()).content, "again");
      });
    });

    test("it waits for a gateway that comes later", patience, async () => {
      const { port: number } = port;
      await port.stop();
      client = startClient(clients, language, "echo_bot", "--url", port.url);
      await client.said(/error: /);
      port = await internalPort(number);
      const connection = await port.connection();
      connection.send({ content: "there you are", session_id: session });
      assert.equal((await connection.reply()).content, "there you are");
      await client.stop();
    });

    test("a token is shown where one is wanted, and never told", patience, async () => {
      const file = clients.secretFile("token", `${token}\n`);
      await connected("echo_bot", ["--internal-token-file", file], (connection) => {
        assert.equal(connection.headers.authorization, `Bearer ${token}`);
      });
      assert.ok(!client.log.join("\n").includes(token));
    });

    for (const signal of ["SIGTERM", "SIGINT"]) {
      test(`${signal} ends it with a close of 1000`, patience, async () => {
        await connected("echo_bot", [], async (connection) => {
          await client.said(/connected to/); // what stands before the signal is set up
          assert.equal(await client.stop(signal), 0);
          assert.equal((await connection.closed).code, 1000);
        });
      });
    }

    test("the model is asked with its key and with what was said before in this session", patience, async () => {
      await withModel(async (connection) => {
        connection.send({ content: "When do you open?", session_id: session, metadata: "m" });
        const first = await model.question();
        assert.equal(`${first.method} ${first.path}`, "POST /v1/chat/completions");
        assert.equal(first.headers.authorization, `Bearer ${apiKey}`);
        assert.match(first.headers["content-type"], /^application\/json/);
        assert.equal(typeof first.model, "string");
        assert.deepEqual(first.messages.map(({ role }) => role), ["system", "user"]);
        first.answer("At nine – täglich.");
        assert.deepEqual(await connection.reply(), { isBinary: false, content: "At nine – täglich.", session_id: session, metadata: "m" });

        connection.send({ content: "And on Sundays?", session_id: session });
        const second = await model.question();
        assert.deepEqual(second.messages.slice(1), [
          { role: "user", content: "When do you open?" }, { role: "assistant", content: "At nine – täglich." }, { role: "user", content: "And on Sundays?" },
        ]);
        second.answer("No.");
        assert.equal((await connection.reply()).content, "No.");

        connection.send({ content: "Hello", session_id: another });
        const stranger = await model.question();
        assert.deepEqual(stranger.messages.slice(1), [{ role: "user", content: "Hello" }], "sessions know nothing of each other");
        stranger.answer("Hello");
        await connection.reply();
      });
      assert.ok(!client.log.join("\n").includes(apiKey), "the key is not logged");
      assert.ok(!client.log.join("\n").includes("Sundays"), "nor is what people say");
    });

    test("a model that fails is logged and apologised for, and nobody else waits for it", patience, async () => {
      await withModel(async (connection) => {
        connection.send({ content: "slow", session_id: session });
        const slow = await model.question();
        connection.send({ content: "second", session_id: session });
        connection.send({ content: "quick", session_id: another });
        const quick = await model.question();
        assert.equal(quick.messages.at(-1).content, "quick", "the second text of the first session waits for its turn");
        quick.answer("was quick");
        assert.equal((await connection.reply()).session_id, another);
        slow.refuse(500);
        assert.deepEqual(await connection.reply(), { isBinary: false, content: apology, session_id: session });
        await client.said(/could not be answered: .*500/);
        const turn = await model.question();
        assert.deepEqual(turn.messages.slice(1), [{ role: "user", content: "second" }], "what failed was not said");
        turn.answer("");
        assert.equal((await connection.reply()).content, apology, "an empty answer is none");
      });
    });

    test("an answer that comes while the connection is lost is sent on the next one", patience, async () => {
      await withModel(async (first) => {
        first.send({ content: "think", session_id: session });
        const question = await model.question();
        const { port: number } = port;
        await port.stop();
        await client.said(/closed: code/);
        question.answer("thought");
        await client.said(/answered with 7 characters/);
        port = await internalPort(number);
        assert.deepEqual(await (await port.connection()).reply(), { isBinary: false, content: "thought", session_id: session });
      });
    });

    test("wrong flags end with 2, a missing key with 1", patience, async () => {
      const exitCode = (...flags) => startClient(clients, language, "internal_ws_client", ...flags).ended;
      const empty = clients.secretFile("empty", "\n");
      assert.deepEqual(await Promise.all([exitCode(), exitCode("--nonsense"), exitCode("--openai-api-key-fn", "not-there"), exitCode(`--openai-api-key-fn=${empty}`), exitCode("--help")]), [2, 2, 1, 1, 0]);
    });
  });
}
