// Public keys, addresses, names, fingerprints and identities, against the tables that both languages share.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { webCrypto } from "../crypto/browser/provider.js";
import { forceCrypto } from "../crypto/index.js";
import { nobleCrypto } from "../crypto/noble/provider.js";
import { nodeCrypto } from "../crypto/node/provider.js";
import { b64u } from "../testing/bytes.js";
import { readSharedJson } from "../testing/repository.js";
import { encodeBase64url } from "../base/index.js";
import { formatAddress, parseAddress } from "./address.js";
import { Contacts, isValidName, maxContacts } from "./contacts.js";
import { Identity } from "./identity.js";
import { legacyOpen, legacySeal, legacySecret } from "./legacy.js";
import { pairFingerprint, PublicKey } from "./public_key.js";

interface Refused { name: string; text: string; error: string }
const vectors = readSharedJson("testdata/identity/keys.json") as {
  accepted: { name: string; text: string }[];
  refused: Refused[];
  fingerprints: { name: string; a: string; b: string; fingerprint: string }[];
  addresses: { accepted: { name: string; text: string; site: string | null }[]; refused: Refused[]; key: string };
  names: { accepted: string[]; refused: { name: string; text: string }[] };
};
interface KeySet { name: string; client_private_b64u: string; client: string; server_private_b64u: string; server: string; raw_b64u: string; box_b64u: string }
const legacy = readSharedJson("testdata/identity/legacy.json") as {
  sets: [KeySet, KeySet];
  wrong: { as_private_b64u: string; server: string; box_b64u: string };
  messages: { name: string; secret_b64u: string; nonce_b64u: string; clear: string; message_b64u: string }[];
  refused: { name: string; secret_b64u: string; nonce_b64u: string; message_b64u: string }[];
};
const [setA, setB] = legacy.sets;
after(() => forceCrypto(undefined));

test("keys come out as they went in", () => {
  for (const { name, text } of vectors.accepted) {
    const key = PublicKey.parse(text);
    assert.equal(key.text, text, name);
    assert.equal(key.shortText, text.slice(0, 8));
    assert.ok(PublicKey.fromBytes(key.bytes).equals(key));
  }
});

test("every case of the shared table is refused for its reason", () => {
  for (const { name, text, error } of vectors.refused) assert.throws(() => PublicKey.parse(text), { code: error }, name);
  for (const length of [0, 31, 33]) assert.throws(() => PublicKey.fromBytes(new Uint8Array(length)), { code: "bad_length" });
  assert.throws(() => PublicKey.parse(1 as unknown as string), { code: "bad_length" });
});

test("fingerprints are those of the shared table, whoever asks", async () => {
  for (const { name, a, b, fingerprint } of vectors.fingerprints) {
    assert.equal(await pairFingerprint(PublicKey.parse(a), PublicKey.parse(b)), fingerprint, name);
    assert.equal(await pairFingerprint(PublicKey.parse(b), PublicKey.parse(a)), fingerprint, name);
  }
});

test("addresses: every case of the shared table", () => {
  const { accepted, refused, key } = vectors.addresses;
  for (const { name, text, site } of accepted) {
    const read = parseAddress(text);
    assert.equal(read.site ?? null, site, name);
    assert.equal(read.key.text, key, name);
    assert.equal(formatAddress(read), site === null ? key : `${site}/${key}`, name);
  }
  for (const { name, text, error } of refused) assert.throws(() => parseAddress(text), { code: error }, name);
});

test("names are those of the shared table", () => {
  for (const name of vectors.names.accepted) assert.ok(isValidName(name), name);
  for (const { name, text } of vectors.names.refused) assert.ok(!isValidName(text), name);
  for (const name of ["\ud800", "a\udc00", undefined, 1]) assert.ok(!isValidName(name));
});

for (const crypto of [nodeCrypto, nobleCrypto, webCrypto(globalThis.crypto.subtle)]) {
  test(`${crypto.name}: identities have the keys and secrets of the sets, and the original's box secret`, async () => {
    forceCrypto(crypto);
    for (const set of legacy.sets) {
      const client = await Identity.fromPrivateKey(set.client_private_b64u);
      const server = await Identity.fromPrivateKey(b64u(set.server_private_b64u));
      assert.equal(client.publicKey.text, set.client);
      assert.equal(server.publicKey.text, set.server);
      assert.equal(encodeBase64url(await client.agree(server.publicKey)), set.raw_b64u);
      assert.equal(encodeBase64url(await server.agree(client.publicKey)), set.raw_b64u);
      assert.equal(encodeBase64url(await legacySecret(client, server.publicKey)), set.box_b64u);
      assert.equal(encodeBase64url(await legacySecret(server, client.publicKey)), set.box_b64u);
    }
    const made = await Identity.generate();
    assert.ok((await Identity.fromPrivateKey(made.exportIdentity())).publicKey.equals(made.publicKey));
  });
}

test("the wrong secret of Set B comes out only with public bytes as private key", async () => {
  const server = PublicKey.parse(legacy.wrong.server);
  const mixed = await Identity.fromPrivateKey(legacy.wrong.as_private_b64u);
  assert.equal(encodeBase64url(await legacySecret(mixed, server)), legacy.wrong.box_b64u);
  const right = await Identity.fromPrivateKey(setB.client_private_b64u);
  assert.notEqual(encodeBase64url(await legacySecret(right, server)), legacy.wrong.box_b64u);
});

test("messages of the original are sealed and opened as in the shared table", () => {
  for (const { name, secret_b64u, nonce_b64u, clear, message_b64u } of legacy.messages) {
    assert.equal(legacySeal(b64u(secret_b64u), b64u(nonce_b64u), clear), message_b64u, name);
    assert.equal(legacyOpen(b64u(secret_b64u), b64u(nonce_b64u), message_b64u), clear, name);
  }
  for (const { name, secret_b64u, nonce_b64u, message_b64u } of legacy.refused) {
    assert.equal(legacyOpen(b64u(secret_b64u), b64u(nonce_b64u), message_b64u), undefined, name);
  }
});

test("identities need 32 bytes, and a destroyed one keeps nothing but its public key", async () => {
  for (const key of [new Uint8Array(31), new Uint8Array(33), "", setA.client_private_b64u + "="]) {
    await assert.rejects(Identity.fromPrivateKey(key), { code: "bad_length" });
  }
  const own = await Identity.fromPrivateKey(setA.client_private_b64u);
  own.destroy();
  own.destroy();
  assert.equal(own.publicKey.text, setA.client);
  await assert.rejects(own.agree(PublicKey.parse(setA.server)), { code: "destroyed" });
  assert.throws(() => own.exportIdentity(), { code: "destroyed" });
});

async function contactsOfA() {
  const self = await Identity.fromPrivateKey(setA.client_private_b64u);
  return { self, known: new Contacts(self), bob: PublicKey.parse(setA.server), other: PublicKey.parse(setB.server) };
}

test("contacts: the secret is computed once, when one is added", async () => {
  const { self, known, bob, other } = await contactsOfA();
  const added = await known.add(bob, "Bob");
  assert.equal(encodeBase64url(added.dh), setA.raw_b64u);
  assert.deepEqual([added.policy, added.verified], ["allow", false]);
  self.destroy();
  assert.equal(known.get(bob), added);
  assert.equal(known.find("Bob"), added);
  await assert.rejects(known.add(other, "Eve"), { code: "destroyed" });
});

test("contacts: the own key, a known key and a known name are refused, also while another is being added", async () => {
  const { self, known, bob, other } = await contactsOfA();
  await assert.rejects(known.add(self.publicKey, "me"), { code: "own_key" });
  for (const [key, name] of [[bob, "Robert"], [other, "Bob"]] as const) {
    const { known: racing } = await contactsOfA();
    const both = await Promise.allSettled([racing.add(bob, "Bob"), racing.add(key, name)]);
    assert.deepEqual(both.map(({ status }) => status).sort(), ["fulfilled", "rejected"], "one of them, whoever is first");
    assert.equal(racing.size, 1);
  }
  await known.add(bob, "Bob");
  await assert.rejects(known.add(bob, "Robert"), { code: "key_known" });
  await assert.rejects(known.add(other, "Bob"), { code: "key_changed" });
  await assert.rejects(known.add(other, "a\u202eb"), { code: "bad_name" });
  assert.equal(known.size, 1);
});

test("contacts: a changed key is noticed and loses the verified mark", async () => {
  const { self, known, bob, other } = await contactsOfA();
  assert.equal(known.check(bob, "Bob"), "unknown");
  await known.add(bob, "Bob", { policy: "block", verified: true });
  assert.equal(known.check(bob, "Bob"), "known");
  assert.equal(known.check(bob, "Robert"), "renamed");
  assert.equal(known.check(other, "Bob"), "key_changed");
  const changed = await known.replaceKey("Bob", other);
  assert.ok(changed.publicKey.equals(other));
  assert.deepEqual([changed.verified, changed.policy], [false, "block"]);
  assert.deepEqual(changed.dh, await self.agree(other));
  assert.equal(known.get(bob), undefined);
  await assert.rejects(known.replaceKey("Carol", bob), { code: "unknown_contact" });
  await assert.rejects(known.replaceKey("Bob", other), { code: "key_known" });
  await assert.rejects(known.replaceKey("Bob", self.publicKey), { code: "own_key" });
});

test("contacts: policy, mark and name change; a removed one is gone; strangers are refused", async () => {
  const { known, bob, other } = await contactsOfA();
  for (const change of [() => known.remove(bob), () => known.rename(bob, "x"), () => known.block(bob), () => known.setVerified(bob, true)]) {
    assert.throws(change, { code: "unknown_contact" });
  }
  await known.add(bob, "Bob");
  await known.add(other, "Carol");
  known.block(bob);
  known.setVerified(bob, true);
  known.rename(bob, "Robert");
  assert.throws(() => known.rename(bob, "Carol"), { code: "key_changed" });
  assert.throws(() => known.rename(bob, ""), { code: "bad_name" });
  const { name, policy, verified, dh } = known.find("Robert")!;
  assert.deepEqual([name, policy, verified], ["Robert", "block", true]);
  known.remove(bob);
  assert.ok(dh.every((byte) => byte === 0));
  assert.deepEqual(known.list().map((each) => each.name), ["Carol"]);
  assert.equal(known.find("Robert"), undefined);
});

test("contacts: their number is limited", async () => {
  const { known, bob } = await contactsOfA();
  forceCrypto(nodeCrypto);
  for (let i = 0; i < maxContacts; i++) {
    const key = nodeCrypto.generateKeyPair(1).publicKey;
    await known.add(PublicKey.fromBytes(key), String(i));
  }
  await assert.rejects(known.add(bob, "Bob"), { code: "too_many" });
  known.wipe();
  assert.equal(known.size, 0);
  await known.add(bob, "Bob");
});
