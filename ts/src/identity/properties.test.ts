// Keys, addresses, invitation links and identity files: what is written is read; anything else is an IdentityError.
import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeBase64url, utf8 } from "../base/index.js";
import { changed, changedJson, changedText, count, eventually, exactly, isOneOf, json, property, record, refusedOr, wholeText, wildText } from "../testing/properties.js";
import { formatAddress, parseAddress, parseRegistryUrl } from "./address.js";
import { Contacts, isValidName } from "./contacts.js";
import { IdentityError } from "./error.js";
import { Identity } from "./identity.js";
import { invitationFragment, parseInvitation, type Invitation, maxLinkBytes, OpenInvitations } from "./invitation.js";
import { legacyOpen, legacySeal } from "./legacy.js";
import { PublicKey } from "./public_key.js";
import { exportIdentityText, importStoredIdentity } from "./store.js";

const isRefusal = isOneOf(IdentityError);
const publicKeys = () => exactly(32).map((seed) => refusedOr(() => PublicKey.fromBytes(seed), isRefusal)).filter((key) => key !== undefined);
const keyTexts = () => fc.oneof(wildText(60), exactly(32).map(encodeBase64url), changedText(publicKeys().map(({ text }) => text)));

property("a public key has one text", [publicKeys()], (key) => {
  assert.deepEqual(PublicKey.parse(key.text).bytes, key.bytes);
});

property("any text as a public key: the one text of a key, or an IdentityError", [keyTexts()], (text) => {
  const key = refusedOr(() => PublicKey.parse(text), isRefusal);
  if (key !== undefined) assert.equal(key.text, text);
});

const sites = () => fc.tuple(fc.constantFrom("", "http://", "https://", "ws://", "wss://"), fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?(\.[a-z0-9]{1,8}){0,3}$/), fc.option(fc.integer({ min: 1, max: 65_535 })))
  .map(([scheme, host, port]) => `${scheme}${host}${port === null ? "" : `:${port}`}`);
const addresses = () => record({ site: fc.option(sites(), { nil: undefined }), key: publicKeys() });

property("an address comes back as it was written", [addresses()], (address) => {
  const read = parseAddress(formatAddress(address));
  assert.deepEqual([read.site, read.key.text], [address.site, address.key.text]);
});

property("any text as an address: one that is written as it was read, or an IdentityError", [fc.oneof(wildText(80), changedText(addresses().map(formatAddress)))], (text) => {
  const address = refusedOr(() => parseAddress(text), isRefusal);
  if (address !== undefined) assert.equal(formatAddress(parseAddress(formatAddress(address))), formatAddress(address));
});

const urls = () => fc.tuple(sites().filter((site) => site.startsWith("ws")), fc.stringMatching(/^(\/[A-Za-z0-9._~-]{0,8}){0,3}$/)).map((parts) => parts.join(""));

property("any text as the URL of a registry: what it says is kept once it is in its form, or there is none", [fc.oneof(wildText(80), urls(), changedText(urls()))], (text) => {
  const url = parseRegistryUrl(text);
  if (url !== undefined) assert.equal(parseRegistryUrl(url), url);
});

const invitations = (): fc.Arbitrary<Invitation> => record({ registryUrl: urls(), registryKey: publicKeys(), hostKey: publicKeys(), secret: exactly(16) })
  .filter(({ registryKey, hostKey, registryUrl }) => !registryKey.equals(hostKey) && parseRegistryUrl(registryUrl) === registryUrl);
const said = ({ registryUrl, registryKey, hostKey, secret }: Invitation) => [registryUrl, registryKey.text, hostKey.text, secret];

property("an invitation comes back as it was made, whatever stands in front of it", [invitations(), fc.webUrl({ withFragments: false })], (invitation, page) => {
  assert.deepEqual(said(parseInvitation(invitationFragment(invitation))), said(invitation));
  assert.deepEqual(said(parseInvitation(page + invitationFragment(invitation))), said(invitation));
});

property("one key in both places is no invitation", [invitations()], (invitation) => {
  assert.throws(() => parseInvitation(invitationFragment({ ...invitation, hostKey: invitation.registryKey })), { code: "bad_invitation" });
});

const inFragment = (text: Uint8Array) => `#fsi1=${encodeBase64url(text)}`;
const members = (invitation: Invitation) => ({ registry_url: invitation.registryUrl, registry_key: invitation.registryKey.text, host_key: invitation.hostKey.text, secret: encodeBase64url(invitation.secret) });
const links = () => fc.oneof(
  wildText(), wildText(2100), changedText(invitations().map(invitationFragment)), json().map((value) => inFragment(utf8(JSON.stringify(value)))),
  changedJson(invitations().map(members)).map((value) => inFragment(utf8(JSON.stringify(value)))), changed(invitations().map((each) => utf8(JSON.stringify(members(each))))).map(inFragment),
);

property("any text, and links with something changed: an invitation by the rules, or bad_invitation", [links()], (link) => {
  const invitation = refusedOr(() => parseInvitation(link), (error) => error instanceof IdentityError && error.code === "bad_invitation");
  if (invitation === undefined) return;
  assert.ok(utf8(link).length <= maxLinkBytes && invitation.secret.length === 16 && !invitation.hostKey.equals(invitation.registryKey));
  assert.deepEqual(said(parseInvitation(invitationFragment(invitation))), said(invitation));
});

const people = () => fc.uniqueArray(record({ key: publicKeys(), name: wholeText(1, 20).filter(isValidName), policy: fc.constantFrom("allow" as const, "block" as const), verified: fc.boolean() }), { maxLength: 4, selector: ({ key }) => key.text });
const given = () => fc.uniqueArray(record({ secret: exactly(16), at: count(0), name: fc.option(wholeText(1, 20).filter(isValidName), { nil: undefined }) }), { maxLength: 3, selector: ({ secret }) => encodeBase64url(secret) });
type Person = { key: PublicKey; name: string; policy: "allow" | "block"; verified: boolean };
type Given = { secret: Uint8Array; at: number; name: string | undefined };

async function stored(seed: Uint8Array, known: Person[], open: Given[]) {
  const owner = await Identity.fromPrivateKey(encodeBase64url(seed));
  const [contacts, invitations] = [new Contacts(owner), new OpenInvitations()];
  for (const { key, name, policy, verified } of known) await eventually(() => Promise.resolve(contacts.add(key, name, { policy, verified })), isRefusal); // a name twice, or its own key
  for (const { secret, at, name } of open) await invitations.restore(secret, at, name);
  return { contacts, invitations };
}
const seeds = () => exactly(32).filter((seed) => seed.some((byte) => byte > 0));

property("an identity file comes back as it was written, with a passphrase and without", [seeds(), people(), given(), fc.option(wholeText(1, 20), { nil: undefined })], async (seed, known, open, passphrase) => {
  const own = await stored(seed, known, open);
  const text = await exportIdentityText(own.contacts, { invitations: own.invitations, passphrase, cost: { passes: 1, memoryKib: 8 } });
  const read = await importStoredIdentity(text, passphrase);
  assert.deepEqual(read.contacts.list().map(({ publicKey, ...rest }) => ({ ...rest, key: publicKey.text })), own.contacts.list().map(({ publicKey, ...rest }) => ({ ...rest, key: publicKey.text })));
  assert.deepEqual(read.invitations.list(), own.invitations.list());
  assert.equal(read.contacts.owner.publicKey.text, own.contacts.owner.publicKey.text);
});

const plain = await stored(new Uint8Array(32).fill(5), [{ key: PublicKey.fromBytes(new Uint8Array(32).fill(9)), name: "Ann", policy: "allow", verified: true }], [{ secret: new Uint8Array(16).fill(3), at: 1, name: "Bo" }]);
const plainText = await exportIdentityText(plain.contacts, { invitations: plain.invitations });
const sealedText = await exportIdentityText(plain.contacts, { passphrase: "open", cost: { passes: 1, memoryKib: 8 } });
/** Cheap to try: what a passphrase costs is a number in the file, and the test is not about that. */
const isCheap = (value: unknown) => !(((value as { passes?: number } | null)?.passes ?? 0) > 1 || ((value as { memory_kib?: number } | null)?.memory_kib ?? 0) > 8);
const parsed = (text: string): unknown => refusedOr(() => JSON.parse(text) as unknown, isOneOf(SyntaxError));

property("any text, and files with something changed: an identity, or an IdentityError", [fc.oneof(
  wildText(), json().map((value) => JSON.stringify(value)), changedText(fc.constant(plainText)), changedJson(fc.constant(JSON.parse(plainText))).map((value) => JSON.stringify(value)),
  changedText(fc.constant(sealedText)), changedJson(fc.constant(JSON.parse(sealedText))).map((value) => JSON.stringify(value)),
).filter((text) => isCheap(parsed(text))), fc.option(fc.constantFrom("open", "other", ""), { nil: undefined })], async (text, passphrase) => {
  const read = await eventually(() => importStoredIdentity(text, passphrase), isRefusal);
  if (read === undefined) return;
  const again = await importStoredIdentity(await exportIdentityText(read.contacts, { invitations: read.invitations }));
  assert.equal(again.contacts.owner.publicKey.text, read.contacts.owner.publicKey.text);
  assert.equal(again.contacts.list().length, read.contacts.list().length);
});

property("a message of the compatible mode opens as it was sealed, and not with anything changed", [exactly(32), exactly(24), wholeText(), fc.nat(), fc.integer({ min: 1, max: 255 })], (secret, nonce, text, at, by) => {
  const message = legacySeal(secret, nonce, text);
  assert.equal(legacyOpen(secret, nonce, message), text);
  const [otherSecret, otherNonce] = [secret.slice(), nonce.slice()];
  otherSecret[at % 32]! ^= by;
  otherNonce[at % 24]! ^= by;
  assert.deepEqual([legacyOpen(otherSecret, nonce, message), legacyOpen(secret, otherNonce, message)], [undefined, undefined]);
});

property("any text as a message of the compatible mode: undefined", [fc.oneof(wildText(), exactly(60).map(encodeBase64url))], (message) => {
  assert.equal(legacyOpen(new Uint8Array(32).fill(1), new Uint8Array(24), message), undefined);
});
