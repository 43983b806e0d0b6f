// Invitations: links in and out, and what a host remembers of them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeBase64url } from "../base/index.js";
import { readSharedJson } from "../testing/repository.js";
import { maxRegistryUrlBytes } from "./address.js";
import {
  invitationFragment, invitationLifetimeS, invitationNote, makeInvitation, maxLinkBytes, maxOpenInvitations, OpenInvitations, parseInvitation,
} from "./invitation.js";
import { PublicKey } from "./public_key.js";

const vectors = readSharedJson("testdata/identity/invitations.json") as {
  accepted: { name: string; text: string; registry_url: string; registry_key: string; host_key: string; secret_b64u: string; note: string; canonical: boolean }[];
  refused: { name: string; text: string }[];
  refused_notes: { name: string; text: string }[];
};
const first = vectors.accepted[0]!;
const registry = PublicKey.parse(first.registry_key);
const host = PublicKey.parse(first.host_key);

test("links: every one of the shared table is read", async () => {
  for (const row of vectors.accepted) {
    const read = parseInvitation(row.text);
    assert.equal(read.registryUrl, row.registry_url, row.name);
    assert.equal(read.registryKey.text, row.registry_key, row.name);
    assert.equal(read.hostKey.text, row.host_key, row.name);
    assert.equal(encodeBase64url(read.secret), row.secret_b64u, row.name);
    assert.equal(await invitationNote(read.secret), row.note, row.name);
    if (row.canonical) assert.equal(invitationFragment(read), row.text, row.name);
  }
});

test("links: every refusal of the shared table, every truncation, and what is no text", () => {
  for (const { name, text } of vectors.refused) assert.throws(() => parseInvitation(text), { code: "bad_invitation" }, name);
  for (let size = 0; size < first.text.length; size++) assert.throws(() => parseInvitation(first.text.slice(0, size)), { code: "bad_invitation" });
  assert.throws(() => parseInvitation(undefined as unknown as string), { code: "bad_invitation" });
});

test("links: size is limited with what comes before the fragment", () => {
  const page = "p".repeat(maxLinkBytes - first.text.length);
  assert.equal(parseInvitation(page + first.text).registryUrl, first.registry_url);
  assert.throws(() => parseInvitation(`p${page}${first.text}`), { code: "bad_invitation" });
});

test("links are made of a registry and a host", () => {
  const made = makeInvitation("WSS://Registry.Example/", registry, host);
  assert.equal(made.registryUrl, "wss://registry.example/");
  assert.deepEqual(parseInvitation(`https://chat.example/${invitationFragment(made)}`).secret, made.secret);
  const path = (bytes: number) => `wss://a/${"p".repeat(bytes - 8)}`;
  makeInvitation(path(maxRegistryUrlBytes), registry, host);
  assert.throws(() => makeInvitation(path(maxRegistryUrlBytes + 1), registry, host), { code: "bad_invitation" });
  assert.throws(() => makeInvitation("http://a", registry, host), { code: "bad_invitation" });
  assert.throws(() => makeInvitation("wss://a", host, host), { code: "bad_invitation" });
});

test("given invitations are found by their note until they are consumed, or lapse after 24 hours", async () => {
  const open = new OpenInvitations();
  const given = makeInvitation("wss://a", registry, host);
  const note = await invitationNote(given.secret);
  assert.equal(open.find(note, 0), undefined);
  await open.add(given, 0);
  assert.deepEqual(open.find(note, invitationLifetimeS - 1), given.secret);
  assert.equal(open.find(note, invitationLifetimeS), undefined);
  assert.ok(open.consume(note));
  assert.equal(open.find(note, 1), undefined);
  assert.ok(!open.consume(note));
  assert.ok(given.secret.some((byte) => byte !== 0));
});

test("given invitations lapse when the clock was set back by a day, and are put back once and up to their limit", async () => {
  const open = new OpenInvitations();
  const fresh = () => makeInvitation("wss://a", registry, host);
  const given = fresh();
  await open.restore(given.secret, invitationLifetimeS);
  await assert.rejects(open.restore(given.secret, 1), { code: "bad_invitation" });
  const note = await invitationNote(given.secret);
  assert.deepEqual(open.find(note, 1), given.secret);
  assert.equal(open.find(note, 0), undefined);
  while (open.size < maxOpenInvitations) await open.restore(fresh().secret, 0);
  await assert.rejects(open.restore(fresh().secret, 0), { code: "too_many" });
});

test("given invitations are limited until some lapse, and notes that are none find nothing", async () => {
  const open = new OpenInvitations();
  const fresh = () => makeInvitation("wss://a", registry, host);
  await open.add(parseInvitation(first.text), 0);
  for (const { name, text } of vectors.refused_notes) assert.equal(open.find(text, 0), undefined, name);
  for (let i = 1; i < maxOpenInvitations; i++) await open.add(fresh(), 1);
  await assert.rejects(open.add(fresh(), invitationLifetimeS - 1), { code: "too_many" });
  await open.add(fresh(), invitationLifetimeS);
  assert.equal(open.size, maxOpenInvitations);
});
