// The compatible mode: the original's exchange on both sides, with its defects repaired, and what a client refuses.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeBase64url, encodeBase64url } from "../base/index.js";
import { Contacts, Identity, type PublicKey } from "../identity/index.js";
import { legacyOpen, legacySeal, legacySecret, legacySecretOf } from "../identity/legacy.js";
import { drain } from "../testing/intents.js";
import { readSharedJson } from "../testing/repository.js";
import { CompatibleMachine, type CompatibleIntent, type CompatibleSettings } from "./compatible_machine.js";
import * as limits from "./limits.js";
import { RegistryMachine, type RegistrySettings } from "./registry_machine.js";

const table = readSharedJson("testdata/identity/legacy.json") as {
  sets: { client_private_b64u: string; client: string; server_private_b64u: string; server: string }[];
  messages: { name: string; nonce_b64u: string; clear: string; message_b64u: string }[];
};
const [setA] = table.sets as [(typeof table.sets)[0]];
const [challenge, message] = table.messages as [(typeof table.messages)[0], (typeof table.messages)[0]];
const client = await Identity.fromPrivateKey(setA.client_private_b64u);
const server = await Identity.fromPrivateKey(setA.server_private_b64u);
const third = (await Identity.generate()).publicKey;

const challengeText = JSON.stringify({ type: "CHALLENGE", from: setA.server, nonce: challenge.nonce_b64u, challengeText: challenge.clear });
const response = { type: "CHALLENGE_RESPONSE", from: setA.client, to: setA.server, nonce: challenge.nonce_b64u, message: challenge.message_b64u };
const nonceOf = (fill: number) => new Uint8Array(24).fill(fill);

function machineOf(settings: Partial<CompatibleSettings> = {}): CompatibleMachine {
  return new CompatibleMachine({ publicKey: client.publicKey, pins: [server.publicKey], isContact: () => false, timeoutMs: limits.registrationTimeoutMs, ...settings }, 0);
}

const wants = (machine: CompatibleMachine) =>
  drain<CompatibleIntent>(machine).map((intent) => ("code" in intent && intent.code !== undefined ? `${intent.want} ${intent.code}` : intent.want));

function registered(settings: Partial<CompatibleSettings> = {}): CompatibleMachine {
  const machine = machineOf(settings);
  machine.text(challengeText);
  machine.sealed("x");
  machine.text('{"type":"REGISTER_SUCCESS"}');
  assert.deepEqual(wants(machine), ["seal", "send", "registered"]);
  return machine;
}

test("the envelope vectors: a client answers the challenge so, and a message is sealed and opened so", async () => {
  const secret = await legacySecret(client, server.publicKey);
  const machine = machineOf();
  machine.text(challengeText);
  const [seal] = drain<CompatibleIntent>(machine);
  assert.ok(seal?.want === "seal");
  machine.sealed(legacySeal(secret, seal.nonce, seal.text));
  assert.deepEqual(drain<CompatibleIntent>(machine), [{ want: "send", text: JSON.stringify(response) }]);
  machine.text('{"type":"REGISTER_SUCCESS"}');
  drain(machine);
  const nonce = decodeBase64url(message.nonce_b64u) as Uint8Array;
  machine.send(server.publicKey, nonce, legacySeal(secret, nonce, message.clear), 0);
  const envelope = { type: "MESSAGE", from: setA.client, to: setA.server, nonce: message.nonce_b64u, message: message.message_b64u };
  assert.deepEqual(drain<CompatibleIntent>(machine), [{ want: "send", text: JSON.stringify(envelope) }]);
  machine.text(JSON.stringify({ ...envelope, from: setA.server, to: setA.client }));
  const [open] = drain<CompatibleIntent>(machine);
  assert.ok(open?.want === "open");
  const contact = await new Contacts(client).add(server.publicKey, "server");
  assert.equal(legacyOpen(legacySecretOf(contact), open.nonce, open.message), message.clear);
});

test("a challenge of a key that is not pinned is not answered", () => {
  const machine = machineOf({ pins: [third] });
  machine.text(challengeText);
  assert.deepEqual(wants(machine), ["fail unpinned_registry"]);
});

test("nor is one of a contact, pinned or not", () => {
  const machine = machineOf({ isContact: (key) => key.equals(server.publicKey) });
  machine.text(challengeText);
  assert.deepEqual(wants(machine), ["fail key_mismatch"]);
});

test("a challenge is sealed once", () => {
  for (const machine of [machineOf(), registered()]) {
    if (!machine.isRegistered) machine.text(challengeText);
    drain(machine);
    machine.text(challengeText);
    assert.deepEqual(wants(machine), ["fail invalid_frame"]);
  }
});

for (const [name, said, code] of [
  ["no JSON", "x", "invalid_frame"],
  ["a list", "[]", "invalid_frame"],
  ["success without a challenge", '{"type":"REGISTER_SUCCESS"}', "invalid_frame"],
  ["a message before the registration", '{"type":"MESSAGE"}', "invalid_frame"],
  ["a challenge without text", JSON.stringify({ ...JSON.parse(challengeText) as object, challengeText: "" }), "invalid_frame"],
  ["a challenge with a nonce of 23 bytes", JSON.stringify({ ...JSON.parse(challengeText) as object, nonce: encodeBase64url(new Uint8Array(23)) }), "invalid_frame"],
  ["a challenge of no key", JSON.stringify({ ...JSON.parse(challengeText) as object, from: "x" }), "invalid_frame"],
  ["a failure", '{"type":"REGISTER_FAILURE","error":"SOCKET_ALREADY_REGISTERED"}', "already_registered"],
  ["a failure in other words", '{"type":"REGISTER_FAILURE","error":"constructor"}', "refused"],
  ["a frame above the limit", `{"type":"x","x":"${"x".repeat(limits.maxRegistryFrameBytes)}"}`, "invalid_frame"],
] as const) {
  test(`a registration ends with ${name}`, () => {
    const machine = machineOf();
    machine.text(said);
    assert.deepEqual(wants(machine), [`fail ${code}`]);
    assert.equal(machine.deadline, undefined);
  });
}

test("a registration has 10 s, in each of its states", () => {
  const steps = [() => {}, (machine: CompatibleMachine) => machine.text(challengeText), (machine: CompatibleMachine) => machine.sealed("x")];
  for (let n = 1; n <= steps.length; n++) {
    const machine = machineOf();
    for (const step of steps.slice(0, n)) step(machine);
    drain(machine);
    assert.equal(machine.deadline, 10_000);
    machine.advance(9_999);
    assert.deepEqual(wants(machine), []);
    machine.advance(10_000);
    assert.deepEqual(wants(machine), ["fail registration_timeout"]);
    machine.text(challengeText);
    assert.deepEqual(wants(machine), []);
  }
});

test("what was sent is settled by its own confirmation or error, or when the registry says nothing for 30 s", () => {
  const machine = registered();
  for (const fill of [1, 2, 3]) machine.send(third, nonceOf(fill), "m", 0);
  assert.deepEqual(wants(machine), ["send", "send", "send"]);
  const answer = (fill: number, more: object) => machine.text(JSON.stringify({ to: third.text, nonce: encodeBase64url(nonceOf(fill)), ...more }));
  answer(2, { type: "MESSAGE", error: "RECIPIENT_NOT_AVAILABLE" });
  answer(1, { type: "MESSAGE_DELIVERED" });
  answer(1, { type: "MESSAGE_DELIVERED" });
  answer(9, { type: "MESSAGE_DELIVERED" });
  assert.deepEqual(drain<CompatibleIntent>(machine), [{ want: "settle", id: 2, code: "recipient_unavailable" }, { want: "settle", id: 1, code: undefined }]);
  assert.equal(machine.deadline, limits.ackTimeoutMs);
  machine.advance(limits.ackTimeoutMs - 1);
  assert.deepEqual(wants(machine), []);
  machine.advance(limits.ackTimeoutMs);
  assert.deepEqual(wants(machine), ["settle connection_lost", "fail connection_lost"]);
  assert.throws(() => machine.send(third, nonceOf(4), "m", 0), { code: "not_registered" });
});

test("100 messages wait for their confirmation, or 1 MiB of them, and each is a frame of 16 384 bytes at most", () => {
  const many = registered();
  for (let n = 0; n < limits.maxQueuedMessages; n++) many.send(third, nonceOf(n), "m", 0);
  assert.throws(() => many.send(third, nonceOf(200), "m", 0), { code: "queue_full" });
  const large = registered();
  const empty = JSON.stringify({ type: "MESSAGE", from: setA.client, to: third.text, nonce: encodeBase64url(nonceOf(0)), message: "" }).length;
  const full = "x".repeat(limits.maxRegistryFrameBytes - empty);
  assert.throws(() => large.send(third, nonceOf(0), `${full}x`, 0), { code: "message_too_large" });
  for (let n = 0; n < 64; n++) large.send(third, nonceOf(n), full, 0);
  assert.throws(() => large.send(third, nonceOf(200), "m", 0), { code: "queue_full" });
});

// ---- the registry

class Registry {
  readonly machine: RegistryMachine;
  now = 0;
  /** Who takes no more for now. */
  readonly full = new Set<number>();
  private last = 0;
  constructor(change: Partial<limits.RegistryLimits> = {}, settings: Partial<RegistrySettings> = {}) {
    this.machine = new RegistryMachine({
      keys: [server.publicKey], limits: { ...limits.registryDefaults, ...change }, workBits: undefined, name: () => "n",
      random: (n) => Uint8Array.from({ length: n }, (_, i) => i), hasRoom: (id) => !this.full.has(id), ...settings,
    });
  }

  said(): string[] {
    return drain(this.machine).flatMap((intent) => {
      if (intent.want === "close") return [`${intent.connection} close ${intent.code}`];
      if (intent.want === "cut") return [`${intent.connection} cut`];
      if (intent.want === "open") return [`${intent.connection} open`];
      if (intent.want !== "say") return [intent.want];
      const { type, error, from } = JSON.parse(intent.text) as Record<string, string>;
      return [[intent.connection, type, error ?? (type === "MESSAGE" ? from === keys[0]?.text ? "of 1" : "?" : undefined)].filter((word) => word !== undefined).join(" ")];
    });
  }

  arrive(pathKey?: PublicKey, address = `a${this.last}`): string[] {
    if (!this.machine.arrived(++this.last, address, this.now)) return ["refused"];
    this.machine.openedCompatible(this.last, pathKey, challenge.clear, this.now);
    return this.said();
  }

  say(id: number, frame: object | string | undefined): string[] {
    this.machine.text(id, typeof frame === "object" ? JSON.stringify(frame) : frame, this.now);
    return this.said();
  }

  join(key: PublicKey): string[] {
    this.arrive();
    assert.deepEqual(this.say(this.last, { ...response, from: key.text }), [`${this.last} open`]);
    this.machine.verifiedCompatible(this.last, true, this.now);
    return this.said();
  }

  pass(ms: number): string[] {
    this.now += ms;
    this.machine.advance(this.now);
    return this.said();
  }
}

const keys = (await Promise.all([1, 2, 3].map(() => Identity.generate()))).map(({ publicKey }) => publicKey) as [PublicKey, PublicKey, PublicKey];
const envelope = (from: number, to: number) => ({ type: "MESSAGE", from: keys[from - 1]?.text, to: keys[to - 1]?.text, nonce: message.nonce_b64u, message: message.message_b64u });

test("a registry's challenge is that of the vectors, and asks for their response", () => {
  const registry = new Registry();
  registry.machine.arrived(1, "a", 0);
  registry.machine.openedCompatible(1, undefined, challenge.clear, 0);
  assert.deepEqual(drain(registry.machine), [{ want: "say", connection: 1, text: challengeText }]);
  registry.machine.text(1, JSON.stringify(response), 0);
  const [open] = drain(registry.machine);
  assert.ok(open?.want === "open");
  assert.deepEqual(open.response, { from: client.publicKey, nonce: decodeBase64url(challenge.nonce_b64u), message: challenge.message_b64u, text: challenge.clear });
});

test("what does not fit the challenge is told and closed", () => {
  const failure = (change: object | string, pathKey?: PublicKey) => {
    const registry = new Registry();
    assert.deepEqual(registry.arrive(pathKey), ["1 CHALLENGE"]);
    const [said, ...rest] = registry.say(1, typeof change === "string" ? change : { ...response, ...change });
    assert.deepEqual(rest, ["1 close 1008"]);
    return said;
  };
  assert.equal(failure("x"), "1 REGISTER_FAILURE a CHALLENGE_RESPONSE is expected");
  assert.equal(failure({ type: "MESSAGE" }), "1 REGISTER_FAILURE a CHALLENGE_RESPONSE is expected");
  assert.equal(failure({ from: "x" }), "1 REGISTER_FAILURE from is no public key");
  assert.equal(failure({ to: third.text }), "1 REGISTER_FAILURE to is not the key of the server");
  assert.equal(failure({ nonce: message.nonce_b64u }), "1 REGISTER_FAILURE another nonce");
  assert.equal(failure({}, third), "1 REGISTER_FAILURE from is not the key of the path");
  const registry = new Registry();
  registry.arrive(client.publicKey);
  assert.deepEqual(registry.say(1, response), ["1 open"]);
  registry.machine.verifiedCompatible(1, false, 0);
  assert.deepEqual(registry.said(), ["1 REGISTER_FAILURE the response does not fit the challenge", "1 close 1008"]);
});

test("a message right behind the response is delivered once the response was found right, up to 16 384 bytes of them", () => {
  const behind = (isRight: boolean, ...texts: string[]) => {
    const registry = new Registry();
    registry.join(keys[1]);
    registry.arrive();
    assert.deepEqual(registry.say(2, { ...response, from: keys[0].text }), ["2 open"]);
    const before = texts.map((text) => registry.say(2, text)).flat();
    registry.machine.verifiedCompatible(2, isRight, registry.now);
    return { before, after: registry.said() };
  };
  const first = JSON.stringify(envelope(1, 2));
  const second = (bytes: number) => JSON.stringify({ ...envelope(1, 2), message: "x".repeat(bytes - JSON.stringify({ ...envelope(1, 2), message: "" }).length) });
  const left = limits.maxEarlyTextBytes - first.length;
  const delivered = ["2 REGISTER_SUCCESS", "1 MESSAGE of 1", "2 MESSAGE_DELIVERED"];
  assert.deepEqual(behind(true, first, "no JSON", JSON.stringify(response)), { before: [], after: delivered }, "all else is passed over, as later");
  assert.deepEqual(behind(true, first, second(left)), { before: [], after: [...delivered, ...delivered.slice(1)] });
  const refused = ["2 REGISTER_FAILURE a CHALLENGE_RESPONSE is expected", "2 close 1008"];
  assert.deepEqual(behind(true, first, second(left + 1)), { before: refused, after: [] });
  assert.deepEqual(behind(false, first), { before: [], after: ["2 REGISTER_FAILURE the response does not fit the challenge", "2 close 1008"] });
});

test("a registration lapses after 10 s; a registered socket is pinged, and dropped after 60 s of silence", () => {
  const registry = new Registry();
  registry.arrive();
  assert.deepEqual(registry.pass(9_999), []);
  assert.deepEqual(registry.pass(1), ["1 REGISTER_FAILURE time-out", "1 close 1008"]);
  assert.deepEqual(registry.join(keys[0]), ["2 REGISTER_SUCCESS"]);
  for (const alive of [() => registry.machine.heard(2, registry.now), () => registry.say(2, "no JSON")]) {
    assert.deepEqual(registry.pass(24_999), []);
    assert.deepEqual(registry.pass(1), ["ping"]);
    alive();
  }
  assert.deepEqual([registry.pass(25_000), registry.pass(25_000)], [["ping"], ["ping"]]);
  assert.deepEqual(registry.pass(9_999), []);
  assert.deepEqual(registry.pass(1), ["2 cut"]);
  assert.equal(registry.machine.compatible.size, 0);
  registry.machine.heard(2, registry.now);
});

test("the first registration stays until it leaves", () => {
  const registry = new Registry();
  registry.join(keys[0]);
  assert.deepEqual(registry.join(keys[0]), ["2 REGISTER_FAILURE SOCKET_ALREADY_REGISTERED", "2 close 1008"]);
  registry.machine.closed(1);
  assert.deepEqual(registry.join(keys[0]), ["3 REGISTER_SUCCESS"]);
});

test("a whole envelope is delivered and confirmed, or comes back with the reason", () => {
  const registry = new Registry();
  registry.join(keys[0]);
  registry.join(keys[1]);
  assert.deepEqual(registry.say(1, envelope(1, 2)), ["2 MESSAGE of 1", "1 MESSAGE_DELIVERED"]);
  assert.deepEqual(registry.say(1, envelope(3, 2)), ["1 MESSAGE SOCKET_NOT_REGISTERED"]);
  assert.deepEqual(registry.say(1, envelope(2, 1)), ["1 MESSAGE MISMATCHED_SOCKET_PUBLIC_KEY"]);
  assert.deepEqual(registry.say(1, { ...envelope(1, 2), message: undefined }), ["1 MESSAGE MISSING_CONTENT_FIELD"]);
  assert.deepEqual(registry.say(1, envelope(1, 3)), ["1 MESSAGE RECIPIENT_NOT_AVAILABLE"]);
  assert.deepEqual(registry.say(1, { ...envelope(1, 2), type: "OTHER" }), []);
  assert.deepEqual(registry.say(1, "no JSON"), []);
  assert.deepEqual(registry.say(1, `"${"x".repeat(limits.maxRegistryFrameBytes)}"`), [], "nor what is too long");
  assert.deepEqual(registry.say(1, undefined), ["1 close 1008"], "what is no text");
  assert.deepEqual(registry.say(2, envelope(2, 1)), ["2 MESSAGE RECIPIENT_NOT_AVAILABLE"]);
});

test("a message for somebody who does not read comes back, and the recipient stays", () => {
  const registry = new Registry();
  registry.join(keys[0]);
  registry.join(keys[1]);
  registry.full.add(2);
  assert.deepEqual(registry.say(1, envelope(1, 2)), ["1 MESSAGE RECIPIENT_NOT_AVAILABLE"]);
  registry.full.clear();
  assert.deepEqual(registry.say(1, envelope(1, 2)), ["2 MESSAGE of 1", "1 MESSAGE_DELIVERED"]);
});

test("a response that overtakes the clock is late as well", () => {
  const registry = new Registry();
  registry.arrive();
  registry.now = 10_000;
  assert.deepEqual(registry.say(1, response), ["1 REGISTER_FAILURE time-out", "1 close 1008"]);
});

test("limits count both modes: keys, registrations of an address, sockets that are not registered", () => {
  const registry = new Registry({ maxKeys: 1 });
  registry.join(keys[0]);
  assert.deepEqual(registry.join(keys[1]), ["2 REGISTER_FAILURE too many keys", "2 close 1008"]);
  const often = new Registry();
  for (let n = 1; n <= 4; n++) assert.deepEqual(often.arrive(undefined, "a"), [`${n} CHALLENGE`]);
  assert.deepEqual(often.arrive(undefined, "a"), ["refused"]);
  const working = new Registry({ registrationBurst: 1 }, { workBits: 16 });
  working.arrive(undefined, "a");
  assert.deepEqual(working.arrive(undefined, "a"), ["2 REGISTER_FAILURE too many registrations", "2 close 1008"], "the original knows no work");
  const crowd = new Registry({ registrationBurst: 100 });
  for (let n = 1; n <= 8; n++) assert.deepEqual(crowd.arrive(undefined, "a"), [`${n} CHALLENGE`]);
  assert.deepEqual(crowd.arrive(undefined, "a"), ["refused"]);
});
