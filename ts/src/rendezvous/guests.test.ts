// Who becomes a contact by an invitation, and which calls carry one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Contacts, Identity, invitationNote, OpenInvitations, type Contact, type Invitation } from "../identity/index.js";
import { Guests } from "./guests.js";

const [host, first, second, registry] = (await Promise.all(Array.from({ length: 4 }, () => Identity.generate()))) as [Identity, Identity, Identity, Identity];

function guestsOf(owner: Identity): { guests: Guests; contacts: Contacts; invite(name?: string): Promise<[Invitation, string]> } {
  const contacts = new Contacts(owner);
  const guests = new Guests(contacts, new OpenInvitations(), () => 1_700_000_000);
  const invite = async (name?: string): Promise<[Invitation, string]> => {
    const invitation = await guests.invite("wss://r", registry.publicKey, name);
    return [invitation, await invitationNote(invitation.secret)];
  };
  return { guests, contacts, invite };
}

test("an invitation lets one in: whoever comes through a second handshake with it is turned away", async () => {
  const { guests, contacts, invite } = guestsOf(host);
  const [, note] = await invite("Gast");
  const arriving = await Promise.all([guests.arrive(first.publicKey), guests.arrive(second.publicKey)]);
  const [one, two] = arriving as [Contact, Contact];
  assert.equal(contacts.size, 0);
  assert.ok(guests.isArriving(first.publicKey) && guests.secretOf(note) !== undefined);
  const contact = guests.joined(first.publicKey, note, false, one);
  assert.deepEqual([contact?.name, contact?.verified, contacts.size], ["Gast", true, 1]);
  assert.deepEqual([guests.isArriving(first.publicKey), guests.secretOf(note)], [false, undefined]);
  assert.throws(() => guests.joined(second.publicKey, note, false, two), { code: "unknown_contact" });
  guests.failed(second.publicKey, note, false);
  assert.ok(!guests.isArriving(second.publicKey));
  assert.equal(contacts.size, 1);
  contacts.remove(first.publicKey);
  assert.equal(guests.secretOf(note), undefined, "who was removed does not come back with it");
});

test("names of guests are free, and those of people as they are", async () => {
  const { guests, contacts, invite } = guestsOf(host);
  await contacts.add(second.publicKey, "Gast");
  const [, note] = await invite("Gast");
  const guest = await guests.arrive(first.publicKey);
  assert.equal(guests.joined(first.publicKey, note, false, guest)?.name, `Gast ${first.publicKey.shortText}`);
  const [, again] = await invite();
  assert.equal(guests.joined(second.publicKey, again, false, undefined), undefined, "a contact stays what it was");
  assert.equal(guests.secretOf(again), undefined);
});

test("a guest whose handshake failed calls without the invitation, then with it again, until a call comes through", async () => {
  const { guests } = guestsOf(first);
  const [invitation, note] = await guestsOf(host).invite();
  await guests.use(invitation);
  const carried = () => guests.carried(host.publicKey)?.note;
  assert.equal(carried(), note);
  guests.failed(host.publicKey, note, true);
  assert.equal(carried(), undefined, "the host may have seen it through");
  guests.refused(host.publicKey);
  assert.equal(carried(), note, "it has not");
  guests.failed(host.publicKey, note, true);
  guests.failed(host.publicKey, undefined, true);
  assert.equal(carried(), note);
  guests.joined(host.publicKey, note, true, undefined);
  assert.equal(carried(), undefined);
  guests.refused(host.publicKey);
  assert.equal(carried(), undefined);
});
