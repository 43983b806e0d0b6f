// Proofs, work and keys of calls, against values that another implementation computed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeBase64url, utf8 } from "../base/index.js";
import { nodeCrypto } from "../crypto/node/provider.js";
import { b64u, flipped, toHex } from "../testing/bytes.js";
import { readSharedJson } from "../testing/repository.js";
import { CallPsk, pskInfo } from "./call_psk.js";
import { Contacts } from "./contacts.js";
import { hkdf32 } from "./hkdf.js";
import { EphemeralKey, Identity } from "./identity.js";
import { PublicKey } from "./public_key.js";
import { findWork, isWork, maxWorkBits, proveRegistration, registrationKey, verifyRegistration } from "./registration.js";

type Row<Members extends string> = { name: string } & Record<Members, string>;
interface CallRow extends Row<"caller_private_b64u" | "caller" | "callee_private_b64u" | "callee" | "caller_eph_private_b64u" | "caller_eph"
  | "callee_eph_private_b64u" | "callee_eph" | "channel_id" | "dh_static_b64u" | "info_hex" | "psk_b64u"> {
  invitation_secret_b64u: string | null;
}
const vectors = readSharedJson("testdata/identity/derivations.json") as {
  proofs: Row<"client_private_b64u" | "client" | "registry_private_b64u" | "registry" | "challenge_b64u" | "dh_b64u" | "popkey_b64u"
    | "without_replace_b64u" | "replace_0_b64u" | "replace_1_b64u">[];
  refused_proofs: (Row<"registry_private_b64u" | "client" | "challenge_b64u" | "proof_b64u"> & { replace: boolean })[];
  psk_v1: Row<"dh_b64u" | "channel_id" | "client" | "server" | "psk_b64u">[];
  psk_v2: CallRow[];
  refused_channel_ids: Row<"channel_id">[];
  work: { challenge_b64u: string; client: string; bits: number; first_nonce_b64u: string; zero_bits: number }[];
  refused_work: (Row<"challenge_b64u" | "client" | "nonce_b64u"> & { bits: number })[];
};

test("proofs: every value of the shared table", async () => {
  for (const row of vectors.proofs) {
    const client = await Identity.fromPrivateKey(row.client_private_b64u);
    const registry = await Identity.fromPrivateKey(row.registry_private_b64u);
    const challenge = b64u(row.challenge_b64u);
    const key = await registrationKey(b64u(row.dh_b64u), client.publicKey, registry.publicKey);
    assert.equal(encodeBase64url(key), row.popkey_b64u, row.name);
    const first = nodeCrypto.hmac(key, utf8("flowersec-rv-pop-v1:proof"), challenge, client.publicKey.bytes, registry.publicKey.bytes);
    assert.equal(encodeBase64url(first), row.without_replace_b64u, row.name);
    for (const replace of [false, true]) {
      const proof = await proveRegistration(client, registry.publicKey, challenge, replace);
      assert.equal(encodeBase64url(proof), replace ? row.replace_1_b64u : row.replace_0_b64u, row.name);
      await verifyRegistration(registry, client.publicKey, challenge, replace, proof);
      await assert.rejects(verifyRegistration(registry, client.publicKey, challenge, !replace, proof), { code: "bad_proof" });
      await assert.rejects(verifyRegistration(registry, client.publicKey, challenge, replace, flipped(proof, 0)), { code: "bad_proof" });
    }
    await assert.rejects(proveRegistration(client, registry.publicKey, challenge.subarray(1), false), { code: "bad_length" });
  }
});

test("proofs: every refusal of the shared table is one and the same error", async () => {
  for (const { name, registry_private_b64u, client, challenge_b64u, replace, proof_b64u } of vectors.refused_proofs) {
    const registry = await Identity.fromPrivateKey(registry_private_b64u);
    const verified = verifyRegistration(registry, PublicKey.parse(client), b64u(challenge_b64u), replace, b64u(proof_b64u));
    await assert.rejects(verified, { code: "bad_proof" }, name);
  }
});

test("work is found and counts as in the shared table", async () => {
  for (const { challenge_b64u, client, bits, first_nonce_b64u, zero_bits } of vectors.work) {
    const [challenge, key] = [b64u(challenge_b64u), PublicKey.parse(client)];
    const nonce = await findWork(challenge, key, bits);
    assert.equal(encodeBase64url(nonce), first_nonce_b64u);
    assert.ok(await isWork(challenge, key, zero_bits, nonce));
    assert.ok(!(await isWork(challenge, key, zero_bits + 1, nonce)));
  }
  for (const { name, challenge_b64u, client, bits, nonce_b64u } of vectors.refused_work) {
    assert.ok(!(await isWork(b64u(challenge_b64u), PublicKey.parse(client), bits, b64u(nonce_b64u))), name);
  }
});

test("work of more than 20 bits is nobody's to ask, and a search can be given up", async () => {
  const key = PublicKey.parse(vectors.work[0]!.client);
  await assert.rejects(findWork(new Uint8Array(32), key, maxWorkBits + 1), { code: "too_much_work" });
  await assert.rejects(findWork(new Uint8Array(32), key, NaN), { code: "too_much_work" });
  await assert.rejects(findWork(new Uint8Array(32), key, maxWorkBits, { signal: AbortSignal.abort() }), { name: "AbortError" });
});

/** A source of one private key. */
const giving = (key: string) => (into: Uint8Array) => into.set(b64u(key));

/** One end of the call of a row. */
async function derived(row: CallRow, own: "caller" | "callee", role: "caller" | "callee"): Promise<string> {
  const peer = own === "caller" ? "callee" : "caller";
  const self = await Identity.fromPrivateKey(row[`${own}_private_b64u`]);
  const contact = await new Contacts(self).add(PublicKey.parse(row[peer]), "peer");
  assert.equal(encodeBase64url(contact.dh), row.dh_static_b64u);
  const ownEphemeral = await EphemeralKey.generate(giving(row[`${own}_eph_private_b64u`]));
  assert.equal(ownEphemeral.publicKey.text, row[`${own}_eph`]);
  const psk = await CallPsk.derive(role, {
    own: self, peer: contact, ownEphemeral, peerEphemeral: PublicKey.parse(row[`${peer}_eph`]), channelId: row.channel_id,
    invitation: row.invitation_secret_b64u === null ? undefined : b64u(row.invitation_secret_b64u),
  });
  return encodeBase64url(psk.value);
}

test("calls: both ends come to the key of the shared table, and one in the other's role does not", async () => {
  for (const row of vectors.psk_v2) {
    assert.equal(await derived(row, "caller", "caller"), row.psk_b64u, row.name);
    assert.equal(await derived(row, "callee", "callee"), row.psk_b64u, row.name);
    assert.notEqual(await derived(row, "caller", "callee"), row.psk_b64u, row.name);
    const keys = [row.caller, row.callee, row.caller_eph, row.callee_eph].map((text) => PublicKey.parse(text));
    assert.equal(toHex(pskInfo("flowersec-rv-psk-v2", row.channel_id, keys)), row.info_hex, row.name);
  }
});

test("calls: the first version has the same building blocks", async () => {
  for (const { name, dh_b64u, channel_id, client, server, psk_b64u } of vectors.psk_v1) {
    const info = pskInfo("flowersec-rv-psk-v1", channel_id, [PublicKey.parse(client), PublicKey.parse(server)]);
    assert.equal(encodeBase64url(await hkdf32(utf8("flowersec-rv-psk-v1:salt"), [b64u(dh_b64u)], info)), psk_b64u, name);
  }
});

test("calls: channel ids, invitations and destroyed identities that do not fit are refused", async () => {
  const row = vectors.psk_v2[0]!;
  for (const { name, channel_id } of vectors.refused_channel_ids) {
    await assert.rejects(derived({ ...row, channel_id }, "caller", "caller"), { code: "bad_channel_id" }, name);
  }
  for (const length of [0, 15, 17]) {
    const invitation_secret_b64u = encodeBase64url(new Uint8Array(length));
    await assert.rejects(derived({ ...row, invitation_secret_b64u }, "caller", "caller"), { code: "bad_invitation" });
  }
  const own = await Identity.fromPrivateKey(row.caller_private_b64u);
  const peer = await new Contacts(own).add(PublicKey.parse(row.callee), "peer");
  own.destroy();
  const ownEphemeral = await EphemeralKey.generate();
  const call = { own, peer, ownEphemeral, peerEphemeral: PublicKey.parse(row.callee_eph), channelId: "c" };
  await assert.rejects(CallPsk.derive("caller", call), { code: "destroyed" });
});

test("a key of a call is made by the derivation alone", async () => {
  // @ts-expect-error: the constructor is private
  const forged = () => new CallPsk(new Uint8Array(32));
  assert.equal(typeof forged, "function");
  // @ts-expect-error: bytes are no CallPsk
  const bytes: CallPsk = new Uint8Array(32);
  assert.ok(!(bytes instanceof CallPsk));
});
