// An identity and its contacts as a text, with or without a passphrase: export and import.
// Layer identity. A page offers the text as a download; Node keeps it in a file: node/file.ts. Texts are strings, which
// JavaScript cannot wipe. Source: IDENTITY, "The identity file".

import { decodeBase64url, encodeBase64url, systemRandom, utf8, type RandomSource } from "../base/index.js";
import type { PasswordCost } from "../crypto/noble/password.js";
import { invitationSecretBytes } from "./call_psk.js";
import { Contacts, isValidName } from "./contacts.js";
import { IdentityError } from "./error.js";
import { Identity } from "./identity.js";
import { OpenInvitations } from "./invitation.js";
import { PublicKey } from "./public_key.js";
import { openText, sealText } from "./sealed_text.js";

/** Largest text; maxContacts with the longest names fit, also when sealed. */
export const maxIdentityFileBytes = 1_048_576;
/** Three passes over 64 MiB: some seconds in JavaScript. */
export const defaultPasswordCost: PasswordCost = { passes: 3, memoryKib: 65_536 };

/** What a text holds; `contacts.owner` is the identity. */
export interface StoredIdentity {
  readonly contacts: Contacts;
  readonly invitations: OpenInvitations;
}

type Members = Record<string, unknown>;

function bad(detail: string): IdentityError {
  return new IdentityError("bad_file", detail);
}

function parseObject(text: string): Members {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw bad("not JSON"); // what JSON.parse says quotes the text
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw bad("not one JSON object");
  return value as Members;
}

/**
 * The text of an identity. Sealed with AES-256-GCM under Argon2id of the passphrase, when there is one. Throws IdentityError
 * destroyed, bad_passphrase; bad_file for a cost out of range.
 */
export async function exportIdentityText(
  contacts: Contacts,
  options: { passphrase?: string | undefined; invitations?: OpenInvitations | undefined; cost?: PasswordCost; random?: RandomSource } = {},
): Promise<string> {
  const given = options.invitations?.list().map((each) => ({ secret_b64u: encodeBase64url(each.secret), given: each.given, name: each.guestName })) ?? [];
  const members = {
    version: 1,
    private_key_b64u: contacts.owner.exportIdentity(),
    public_key: contacts.owner.publicKey.text,
    contacts: contacts.list().map(({ publicKey, name, policy, verified }) => ({ public_key: publicKey.text, name, policy, verified })),
    invitations: given.length > 0 ? given : undefined,
  };
  const text = `${JSON.stringify(members)}\n`;
  if (options.passphrase === undefined) return text;
  return sealText(text, options.passphrase, options.cost ?? defaultPasswordCost, options.random ?? systemRandom);
}

async function addContact(member: unknown, to: Contacts): Promise<void> {
  const { public_key, name, policy, verified } = Object(member) as Members;
  if (policy !== "allow" && policy !== "block") throw bad("policy is neither allow nor block");
  if (typeof verified !== "boolean") throw bad("verified is neither true nor false");
  await to.add(PublicKey.parse(public_key as string), name as string, { policy, verified });
}

async function addInvitation(member: unknown, to: OpenInvitations): Promise<void> {
  const { secret_b64u, given, name } = Object(member) as Members;
  const secret = typeof secret_b64u === "string" ? decodeBase64url(secret_b64u, invitationSecretBytes) : undefined;
  if (secret === undefined) throw bad("secret_b64u is not base64url of 16 bytes");
  if (!Number.isSafeInteger(given) || (given as number) < 0) throw bad("given is no time");
  if (name !== undefined && !isValidName(name)) throw bad("name is none");
  await to.restore(secret, given as number, name);
}

async function readList(list: unknown, name: string, add: (member: unknown) => Promise<void>): Promise<void> {
  if (!Array.isArray(list)) throw bad(`${name} is not a list`);
  for (const [i, member] of (list as unknown[]).entries()) {
    try {
      await add(member);
    } catch (error) {
      throw bad(`${name}[${i}]: ${error instanceof IdentityError ? error.message.replace(/^identity: /, "") : "not valid"}`);
    }
  }
}

async function readPlain(file: Members): Promise<StoredIdentity> {
  if (file["version"] !== 1) throw bad("version is not 1");
  const privateKey = file["private_key_b64u"];
  if (typeof privateKey !== "string") throw bad("private_key_b64u is not base64url of 32 bytes");
  const owner = await Identity.fromPrivateKey(privateKey).catch(() => {
    throw bad("private_key_b64u is not base64url of 32 bytes");
  });
  if (file["public_key"] !== owner.publicKey.text) throw bad("public_key is not that of the key");
  const stored = { contacts: new Contacts(owner), invitations: new OpenInvitations() };
  await readList(file["contacts"], "contacts", (member) => addContact(member, stored.contacts));
  if ("invitations" in file) await readList(file["invitations"], "invitations", (member) => addInvitation(member, stored.invitations));
  return stored;
}

/**
 * Reads such a text: the contacts, and their owner. Unknown members are ignored; a contact or invitation that could not
 * be added refuses the whole. Throws IdentityError bad_file, bad_passphrase, passphrase_needed, wrong_passphrase, not_sealed.
 */
export async function importIdentityText(text: string, passphrase?: string): Promise<Contacts> {
  return (await importStoredIdentity(text, passphrase)).contacts;
}

/** The same with the invitations. */
export async function importStoredIdentity(text: string, passphrase?: string): Promise<StoredIdentity> {
  if (utf8(text).length > maxIdentityFileBytes) throw bad(`more than ${maxIdentityFileBytes} bytes`);
  if (passphrase !== undefined && "kdf" in Object(tryParse(text)) === false) throw new IdentityError("not_sealed");
  const file = parseObject(text);
  if (!("kdf" in file)) return readPlain(file);
  if (passphrase === undefined) throw new IdentityError("passphrase_needed");
  const plain = parseObject(await openText(file, passphrase));
  if ("kdf" in plain) throw bad("sealed twice");
  return readPlain(plain);
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
