// Who becomes a contact by an invitation, and which calls carry one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Contacts, exportIdentityText, Identity, IdentityError, importStoredIdentity, invitationNote, OpenInvitations, type Contact, type Invitation } from "../identity/index.js";
import { RendezvousWorld } from "../testing/rendezvous_world.js";
import { Guests } from "./guests.js";
import type { SecureSocketEvent } from "./options.js";

const [host, first, second, registry] = (await Promise.all(Array.from({ length: 4 }, () => Identity.generate()))) as [Identity, Identity, Identity, Identity];

function guestsOf(owner: Identity): { guests: Guests; contacts: Contacts; used: string[]; invite(name?: string): Promise<[Invitation, string]> } {
  const contacts = new Contacts(owner);
  const used: string[] = [];
  const guests = new Guests(contacts, new OpenInvitations(), () => 1_700_000_000, (key, note) => used.push(`${key.text} ${note}`));
  const invite = async (name?: string): Promise<[Invitation, string]> => {
    const invitation = await guests.invite("wss://r", registry.publicKey, name);
    return [invitation, await invitationNote(invitation.secret)];
  };
  return { guests, contacts, used, invite };
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

test("an invitation that is used up and brings nobody in is told of, once; one that brings somebody in is not", async () => {
  const { guests, contacts, used, invite } = guestsOf(host);
  const [, brought] = await invite();
  guests.joined(first.publicKey, brought, false, await guests.arrive(first.publicKey));
  assert.deepEqual(used, []);
  const [, byContact] = await invite();
  for (let time = 0; time < 2; time++) guests.joined(first.publicKey, byContact, false, undefined);
  assert.deepEqual(used.splice(0), [`${first.publicKey.text} ${byContact}`]);
  const [, tooMany] = await invite();
  const guest = await guests.arrive(second.publicKey);
  contacts.admit = () => {
    throw new IdentityError("too_many");
  };
  assert.throws(() => guests.joined(second.publicKey, tooMany, false, guest), { code: "too_many" });
  assert.deepEqual(used, [`${second.publicKey.text} ${tooMany}`]);
});

test("who is a contact already and comes with an invitation: the host is told that it is used up, and it is not written any more", async (t) => {
  const world = await RendezvousWorld.create();
  t.after(() => world.close());
  const [ofHost, ofGuest] = [new Contacts(await Identity.generate()), new Contacts(await Identity.generate())];
  await ofHost.add(ofGuest.owner.publicKey, "friend");
  const events: SecureSocketEvent[] = [];
  const h = await world.client("h", ofHost, { onMessage() {}, onState: (event) => events.push(event) });
  const invitation = await h.invite("Gast");
  const g = await world.client("g", ofGuest);
  await g.send(await g.useInvitation(invitation, "the host"), "hello");
  assert.deepEqual(events.filter(({ type }) => type === "guest" || type === "invitation_used"), [
    { type: "invitation_used", key: ofGuest.owner.publicKey, note: await invitationNote(invitation.secret) },
  ]);
  const { invitations } = await importStoredIdentity(await exportIdentityText(ofHost, { invitations: h.invitations }));
  assert.equal(invitations.size, 0);
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
