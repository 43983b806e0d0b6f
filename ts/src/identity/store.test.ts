// Identity texts and files: what is read, what is refused, passphrases, modes, and that a file is replaced whole or not at all.
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readSharedJson } from "../testing/repository.js";
import type { Contacts } from "./contacts.js";
import { readIdentityFile, readStoredIdentity, writeIdentityFile } from "./node/file.js";
import { encodeBase64url } from "../base/index.js";
import { exportIdentityText, importIdentityText, importStoredIdentity, maxIdentityFileBytes, type StoredIdentity } from "./store.js";

interface Given { secret_b64u: string; given: number; name?: string }
interface Stored { invitations?: Given[]; name: string; text: string; public_key: string; contacts: { public_key: string; name: string; policy: string; verified: boolean }[] }
const vectors = readSharedJson("testdata/identity/files.json") as {
  plain: Stored[];
  refused_plain: { name: string; text: string }[];
  sealed: (Stored & { passphrase: string })[];
  refused_sealed: { name: string; passphrase: string | null; text: string; error: string }[];
};
const first = vectors.plain[0]!;
const cheap = { passes: 1, memoryKib: 8 };

function same(known: Contacts, row: Stored) {
  assert.equal(known.owner.publicKey.text, row.public_key, row.name);
  const list = known.list().map(({ publicKey, name, policy, verified }) => ({ public_key: publicKey.text, name, policy, verified }));
  assert.deepEqual(list, row.contacts, row.name);
}

function sameInvitations({ invitations }: StoredIdentity, row: Stored) {
  const list = invitations.list().map(({ secret, given, guestName }) => ({ secret_b64u: encodeBase64url(secret), given, ...(guestName === undefined ? {} : { name: guestName }) }));
  assert.deepEqual(list, row.invitations ?? [], row.name);
}

test("texts: every one of the shared table is read", async () => {
  for (const row of vectors.plain) {
    const stored = await importStoredIdentity(row.text);
    same(stored.contacts, row);
    sameInvitations(stored, row);
  }
  for (const row of vectors.sealed) same(await importIdentityText(row.text, row.passphrase), row);
});

test("texts: every refusal of the shared table, and none says a key", async () => {
  const secret = (JSON.parse(first.text) as { private_key_b64u: string }).private_key_b64u;
  for (const { name, text } of vectors.refused_plain) {
    await assert.rejects(importIdentityText(text), (error: Error & { code: string }) => {
      assert.equal(error.code, "bad_file", name);
      assert.ok(!`${error.stack}${String(error.cause)}`.includes(secret.slice(0, 8)), name);
      return true;
    });
  }
  for (const { name, passphrase, text, error } of vectors.refused_sealed) {
    await assert.rejects(importIdentityText(text, passphrase ?? undefined), { code: error }, name);
  }
});

test("texts: what is written is the first of the table; sealed ones differ each time and open again", async () => {
  const known = await importIdentityText(first.text);
  assert.equal(await exportIdentityText(known), `${first.text}\n`);
  const texts = [await exportIdentityText(known, { passphrase: "x", cost: cheap }), await exportIdentityText(known, { passphrase: "x", cost: cheap })];
  assert.notEqual(texts[0], texts[1]);
  for (const text of texts) same(await importIdentityText(text, "x"), first);
  await assert.rejects(importIdentityText(texts[0]!, "y"), { code: "wrong_passphrase" });
});

test("texts: open invitations are written and read again", async () => {
  const row = vectors.plain.find(({ name }) => name === "two open invitations")!;
  const { contacts, invitations } = await importStoredIdentity(row.text);
  assert.equal(await exportIdentityText(contacts, { invitations }), `${row.text}\n`);
  const sealed = await exportIdentityText(contacts, { invitations, passphrase: "x", cost: cheap });
  assert.ok(!sealed.includes("invitations"));
  sameInvitations(await importStoredIdentity(sealed, "x"), row);
});

test("texts: the default cost opens again", async () => {
  const known = await importIdentityText(vectors.plain[1]!.text);
  const text = await exportIdentityText(known, { passphrase: "x" });
  assert.match(text, /"passes":3,"memory_kib":65536/);
  same(await importIdentityText(text, "x"), vectors.plain[1]!);
});

test("texts: passphrases, costs and size have limits, and a destroyed identity is not exported", async () => {
  const known = await importIdentityText(first.text);
  await exportIdentityText(known, { passphrase: "x".repeat(1024), cost: cheap });
  for (const passphrase of ["", "x".repeat(1025), "\u00e9".repeat(513)]) {
    await assert.rejects(exportIdentityText(known, { passphrase, cost: cheap }), { code: "bad_passphrase" });
  }
  await exportIdentityText(known, { passphrase: "x", cost: { passes: 16, memoryKib: 8 } });
  for (const cost of [{ passes: 0, memoryKib: 8 }, { passes: 17, memoryKib: 8 }, { passes: 1, memoryKib: 7 }, { passes: 1, memoryKib: 262_145 }]) {
    await assert.rejects(exportIdentityText(known, { passphrase: "x", cost }), { code: "bad_file" });
  }
  same(await importIdentityText(first.text.padEnd(maxIdentityFileBytes - 1)), first); // one letter of it has two bytes
  await assert.rejects(importIdentityText(first.text.padEnd(maxIdentityFileBytes)), { code: "bad_file" });
  known.owner.destroy();
  await assert.rejects(exportIdentityText(known), { code: "destroyed" });
});

const folder = mkdtempSync(join(tmpdir(), "flowersec-identity-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("files are written for their owner alone, and replaced only when that is said", async () => {
  const path = join(folder, "me.json");
  const known = await importIdentityText(first.text);
  await writeIdentityFile(path, known);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  same(await readIdentityFile(path), first);
  await assert.rejects(writeIdentityFile(path, known, { passphrase: "x", cost: cheap }), { code: "EEXIST" });
  same(await readIdentityFile(path), first);
  await writeIdentityFile(path, known, { passphrase: "x", cost: cheap, overwrite: true });
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(folder), ["me.json"]);
  same(await readIdentityFile(path, "x"), first);
  same((await readStoredIdentity(path, "x")).contacts, first);
  await assert.rejects(readIdentityFile(path), { code: "passphrase_needed" });
});

test("files that others can read, that are no files, or too large are refused", async () => {
  const path = join(folder, "shared.json");
  writeFileSync(path, first.text, { mode: 0o600 });
  for (const mode of [0o640, 0o604, 0o620, 0o601]) {
    chmodSync(path, mode);
    await assert.rejects(readIdentityFile(path), { code: "file_shared" });
  }
  chmodSync(path, 0o400);
  same(await readIdentityFile(path), first);
  await assert.rejects(readIdentityFile(folder), { code: "bad_file" });
  await assert.rejects(readIdentityFile(join(folder, "missing")), { code: "ENOENT" });
  const large = join(folder, "large.json");
  writeFileSync(large, " ".repeat(maxIdentityFileBytes + 1), { mode: 0o600 });
  await assert.rejects(readIdentityFile(large), { code: "bad_file" });
});
