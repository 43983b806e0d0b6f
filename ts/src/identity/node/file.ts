// The identity file of a Node program: only its owner may read it, and it is written whole or not at all.
// Layer identity. Source: IDENTITY, "The identity file".

import { constants } from "node:fs";
import { link, open, rename, unlink, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { encodeBase64url, randomBytes } from "../../base/index.js";
import type { Contacts } from "../contacts.js";
import { IdentityError } from "../error.js";
import { exportIdentityText, importStoredIdentity, maxIdentityFileBytes, type StoredIdentity } from "../store.js";

async function readWhole(file: FileHandle): Promise<string> {
  // One byte more, to see whether there is one.
  const bytes = Buffer.alloc(maxIdentityFileBytes + 1);
  try {
    let used = 0;
    while (used < bytes.length) {
      const { bytesRead } = await file.read(bytes, used, bytes.length - used);
      if (bytesRead === 0) break;
      used += bytesRead;
    }
    if (used === bytes.length) throw new IdentityError("bad_file", `more than ${maxIdentityFileBytes} bytes`);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, used));
    } catch {
      throw new IdentityError("bad_file", "not UTF-8");
    }
  } finally {
    bytes.fill(0);
  }
}

/** Throws the system's errors, IdentityError file_shared when group or others have any right, and those of importIdentityText(). */
export async function readIdentityFile(path: string, passphrase?: string): Promise<Contacts> {
  return (await readStoredIdentity(path, passphrase)).contacts;
}

/** The same with the invitations. */
export async function readStoredIdentity(path: string, passphrase?: string): Promise<StoredIdentity> {
  // Not blocking: a pipe of that name must not hold up whoever asks.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const about = await file.stat();
    if (!about.isFile()) throw new IdentityError("bad_file", "not a file");
    if ((about.mode & 0o077) !== 0) throw new IdentityError("file_shared", "its mode must be 0600");
    return await importStoredIdentity(await readWhole(file), passphrase);
  } finally {
    await file.close();
  }
}

/**
 * Mode 0600. Replaces a file that is there only with `overwrite`. Throws the system's errors, EEXIST among them, and those of
 * exportIdentityText(); the old file is then untouched.
 */
export async function writeIdentityFile(
  path: string,
  contacts: Contacts,
  options: Parameters<typeof exportIdentityText>[1] & { overwrite?: boolean } = {},
): Promise<void> {
  const text = await exportIdentityText(contacts, options);
  const beside = join(dirname(path), `.${basename(path)}.${encodeBase64url(randomBytes(9))}`);
  const file = await open(beside, "wx", 0o600);
  try {
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    if (options.overwrite) return await rename(beside, path);
    await link(beside, path); // fails when something has that name
    await unlink(beside);
  } catch (error) {
    await unlink(beside).catch(() => {});
    throw error;
  }
}
