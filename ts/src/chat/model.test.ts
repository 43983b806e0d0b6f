// What the chat page would show: contacts, warnings, what became of each text, and that nothing of a stranger is shown as it came.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Contacts, Identity, pairFingerprint, type Contact } from "../identity/index.js";
import { RendezvousError } from "../rendezvous/error.js";
import type { ContactName } from "../rendezvous/options.js";
import { ChatModel, maxEntries, maxShownCharacters, maxStrangers, type ChatClient } from "./model.js";

/** A client that keeps what it is given until the test says what becomes of it. */
class Client implements ChatClient {
  readonly sent: { to: string; content: unknown; done: () => void; fail: (error: unknown) => void }[] = [];
  refreshed = 0;

  send(to: ContactName, content: unknown): Promise<void> {
    return new Promise((done, fail) => this.sent.push({ to: (to as Contact).publicKey.text, content, done, fail }));
  }

  refreshContacts(): void {
    this.refreshed++;
  }
}

let contacts: Contacts;
let model: ChatModel;
let client: Client;
let said: string[];
let bob: Identity;
let carol: Identity;

beforeEach(async () => {
  [bob, carol] = await Promise.all([Identity.generate(), Identity.generate()]);
  contacts = new Contacts(await Identity.generate());
  said = [];
  model = new ChatModel(contacts, (text) => text !== undefined && said.push(text));
  client = new Client();
  model.connect(client);
  await model.add("Bob", bob.publicKey.text);
});

const settled = () => new Promise((resolve) => setImmediate(resolve));
const states = () => model.entries().map(({ text, state, why }) => [text, state, ...(why === undefined ? [] : [why])]);
const received = (message: unknown) => model.received({ type: "MESSAGE", from: contacts.get(bob.publicKey) as Contact, message });

test("a text is sending until the contact has it", async () => {
  model.send("hello");
  assert.deepEqual(states(), [["hello", "sending"]]);
  assert.equal(client.sent[0]?.to, bob.publicKey.text);
  client.sent[0]?.done();
  await settled();
  assert.deepEqual(states(), [["hello", "delivered"]]);
  model.send("  ");
  assert.equal(client.sent.length, 1);
});

test("what failed says why, and is sent again", async () => {
  model.send("one");
  model.send("two");
  client.sent[0]?.fail(new RendezvousError("recipient_unavailable"));
  await settled();
  assert.deepEqual(states(), [["one", "failed", "recipient_unavailable"], ["two", "sending"]]);
  assert.ok(said.includes("Not delivered: recipient_unavailable"));
  const id = model.entries()[0]?.id as number;
  model.retry(id);
  assert.deepEqual(states()[0], ["one", "sending"]);
  client.sent[2]?.done();
  await settled();
  assert.deepEqual(states()[0], ["one", "delivered"]);
  model.retry(id);
  assert.equal(client.sent.length, 3);
});

test("without a connection a text fails, and can be sent when there is one", async () => {
  model.connect(undefined);
  model.send("early");
  await settled();
  assert.deepEqual(states(), [["early", "failed", "not_connected"]]);
  model.connect(client);
  model.retry(model.entries()[0]?.id as number);
  assert.equal(client.sent[0]?.content, "early");
});

test("a name that comes with another key is a warning, and nothing changes until the new key is taken", async () => {
  model.setVerified(bob.publicKey.text, true);
  await model.add("Bob", carol.publicKey.text);
  assert.equal(model.warning?.knownKey, bob.publicKey.text);
  assert.equal(model.warning?.fingerprint, await pairFingerprint(contacts.owner.publicKey, carol.publicKey));
  assert.equal(contacts.find("Bob")?.publicKey.text, bob.publicKey.text);
  model.keepKey();
  assert.equal(model.warning, undefined);
  await model.add("Bob", carol.publicKey.text);
  await model.replaceKey();
  assert.equal(model.chosen?.key, carol.publicKey.text);
  assert.equal(model.chosen?.verified, false);
});

test("contacts are added by key and by address, and each has a fingerprint", async () => {
  await model.add("Carol", ` https://chat.example/${carol.publicKey.text} `);
  assert.equal(model.chosen?.name, "Carol");
  assert.equal(model.chosen?.fingerprint, await pairFingerprint(contacts.owner.publicKey, carol.publicKey));
  await assert.rejects(model.add("Me", contacts.owner.publicKey.text), { code: "own_key" });
  await assert.rejects(model.add("Dora", "nonsense"), { name: "IdentityError" });
  await assert.rejects(model.add("D\u202eora", (await Identity.generate()).publicKey.text), { code: "bad_name" });
});

test("verified, blocked and removed are the contact's, and registries hear of it", () => {
  const { text } = bob.publicKey;
  model.setVerified(text, true);
  model.setBlocked(text, true);
  assert.deepEqual([model.chosen?.verified, model.chosen?.blocked], [true, true]);
  const { refreshed } = client;
  model.remove(text);
  assert.equal(model.chosen, undefined);
  assert.deepEqual(model.people(), []);
  assert.ok(client.refreshed > refreshed);
});

test("messages of others are shown without what hides or turns, and markup stays text", () => {
  received("<img src=x onerror=alert(1)>\u202e\u001b[2J\u200b!");
  received({ a: "\u2066" });
  received("two\r\nlines");
  assert.deepEqual(model.entries().map(({ text }) => text), [
    "<img src=x onerror=alert(1)>\\u{202e}\\u{1b}[2J!", '{"a":"\\u{2066}"}', "two\nlines",
  ]);
});

test("long messages are cut, and old ones go", () => {
  received("x".repeat(maxShownCharacters));
  received("x".repeat(maxShownCharacters + 1));
  assert.deepEqual(model.entries().map(({ text }) => text.endsWith("(1 characters more, not shown)")), [false, true]);
  for (let i = 0; i < maxEntries; i++) received(`n${i}`);
  assert.equal(model.entries().length, maxEntries);
  assert.equal(model.entries()[0]?.text, "n0");
});

test("what comes while another contact is chosen counts as new until it is looked at", async () => {
  await model.add("Carol", carol.publicKey.text);
  received("psst");
  assert.equal(model.people()[0]?.unread, 1);
  assert.deepEqual(model.entries(), []);
  model.choose(bob.publicKey.text);
  assert.equal(model.people()[0]?.unread, 0);
  assert.equal(model.entries()[0]?.text, "psst");
});

test("strangers are shown with a harmless note, so many at once, and let in under a name", async () => {
  const accepted: string[] = [];
  const call = (from: Identity, note?: string) => model.incoming({
    from: from.publicKey, note, registryUrl: "wss://r", decline: () => {},
    accept: async (name) => (accepted.push(name), contacts.add(from.publicKey, name)),
  });
  call(carol, "\u202enote");
  assert.deepEqual(model.strangers(), [{ key: carol.publicKey.text, note: "\\u{202e}note" }]);
  for (let i = 1; i <= maxStrangers; i++) call(await Identity.generate());
  assert.equal(model.strangers().length, maxStrangers);
  await model.letIn(carol.publicKey.text, "Bob");
  assert.equal(model.warning?.name, "Bob");
  assert.deepEqual(accepted, []);
  await model.letIn(carol.publicKey.text, "Carol");
  assert.deepEqual(accepted, ["Carol"]);
  assert.equal(model.strangers().length, maxStrangers - 1);
});

test("a guest who comes in while somebody is written to does not take the place", async () => {
  const guest = await contacts.add(carol.publicKey, "guest", { verified: true });
  assert.equal(model.chosen?.name, "Bob");
  model.event({ type: "guest", contact: guest });
  await settled();
  assert.equal(model.chosen?.name, "Bob");
  assert.deepEqual(model.people().map(({ name, fingerprint }) => [name, fingerprint !== ""]), [["Bob", true], ["guest", true]]);
  model.remove(bob.publicKey.text);
  model.event({ type: "guest", contact: guest });
  await settled();
  assert.equal(model.chosen?.name, "guest");
});

test("an invitation that a contact used up is announced", () => {
  said.length = 0;
  model.event({ type: "invitation_used", key: bob.publicKey, note: "inv:x" });
  model.event({ type: "invitation_used", key: carol.publicKey, note: "inv:y" });
  assert.deepEqual(said, ["Bob used up an invitation of yours", "Somebody used up an invitation of yours"]);
});

test("events show on their contact and their registry", () => {
  model.event({ type: "registry", url: "wss://r", state: "failed", error: new RendezvousError("replaced") });
  model.event({ type: "presence", key: bob.publicKey, online: true });
  model.event({ type: "presence", key: carol.publicKey, online: true });
  model.event({ type: "channel", key: bob.publicKey, state: "open" });
  assert.deepEqual(model.registries(), [{ url: "wss://r", state: "failed", why: "replaced" }]);
  assert.deepEqual([model.chosen?.online, model.chosen?.channel], [true, "open"]);
  assert.equal(model.people().length, 1);
});
