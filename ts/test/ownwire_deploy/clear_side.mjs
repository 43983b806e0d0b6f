// What can be read between the proxy, which ends TLS, and the gateway: a whole chat is captured there and searched.
import assert from "node:assert/strict";
import { capture, framesOf, headOf, isSeen, isWebSocket, unseal } from "./captured.mjs";
import { startChat } from "./chat.mjs";
import { startEchoBot, startGateway } from "./world.mjs";

const text = 1;
const binary = 2;
const publicPort = 8080;
const internalPort = 8081;
const question = "Where is the lighthouse of Alexandria?";
const metadata = "username:somebody whom nobody may know";

/** A chat through the proxy that runs. */
export async function expectNothingReadable() {
  const ear = await capture(publicPort, internalPort);
  const gateway = await startGateway();
  const bot = await startEchoBot();
  try {
    const { chat, reply } = startChat(gateway.ready.server_key, { metadata });
    chat.send(question); // before it is connected
    const { content, info } = await reply();
    assert.deepEqual([content, info.metadata], [question, metadata], "end to end");
    chat.close();
    await bot.stop();
    assert.equal(await gateway.stop(), 0);

    const seen = await ear.end();
    const conversations = seen[publicPort].filter(isWebSocket);
    assert.equal(conversations.length, 1);
    const [{ client, server }] = conversations;
    assert.ok(!headOf(server).includes("sec-websocket-extensions"), "no compression: sizes would tell about contents");
    const sent = framesOf(client);
    const answered = framesOf(server);
    assert.ok(sent.length > 3 && answered.length > 3);
    for (const frame of [...sent, ...answered]) assert.ok(frame.isPlain && frame.isFinal);

    // The open message is the only text message, and the first of all.
    assert.deepEqual(sent.filter(({ opcode }) => opcode < 8).map(({ opcode }) => opcode), [text, ...sent.filter(({ opcode }) => opcode === binary).map(() => binary)]);
    assert.ok(answered.every(({ opcode }) => opcode !== text));
    const open = JSON.parse(sent[0].payload);
    assert.deepEqual([open.v, open.type, open.kid], [1, "ownwire_open", gateway.ready.kid]);

    const psk = unseal(open, gateway.keyFile().keys[0].private_key_b64u);
    assert.equal(psk.length, 32);
    for (const [name, secret] of Object.entries({ question, metadata, psk })) assert.ok(!isSeen(secret, seen[publicPort]), `${name} can be read`);
    for (const word of ["lighthouse", "username", "content", "metadata", "session_id"]) assert.ok(!isSeen(word, seen[publicPort]), word);

    // The same search finds what is there to be found.
    assert.ok(isSeen(open.channel_id, seen[publicPort]));
    assert.ok(isSeen(question, seen[internalPort]) && isSeen(metadata, seen[internalPort]), "the internal port is in clear: it is for loopback");
    assert.ok(!isSeen(psk, seen[internalPort]));
    for (const line of [...gateway.log]) assert.ok(!line.includes("lighthouse") && !line.includes("somebody"), "the log has no contents");
  } finally {
    await bot.stop("SIGKILL");
    await gateway.stop("SIGKILL");
  }
}
