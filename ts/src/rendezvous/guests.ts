// Invitations of a client, given away and given to it: which call carries which secret, and who becomes a contact by it.
// Layer rendezvous. A guest is no contact before its handshake is through: until then only the secret speaks for it. Source: IDENTITY,
// "Invitations".

import { wipe } from "../base/index.js";
import { IdentityError, invitationNote, isValidName, makeInvitation, type Contact, type Contacts, type Invitation, type OpenInvitations, type PublicKey } from "../identity/index.js";
import { RendezvousError } from "./error.js";

/** A link that we were given. */
interface Given {
  readonly secret: Uint8Array;
  readonly note: string;
  /** Whether the next call has it: the host may have seen the last one through, and have consumed it. */
  carries: boolean;
}

export class Guests {
  /** By the host's key. */
  readonly #given = new Map<string, Given>();
  /** Keys of guests on their way in. */
  readonly #arriving = new Set<string>();

  constructor(
    private readonly contacts: Contacts,
    /** Given away. */
    readonly invitations: OpenInvitations,
    private readonly unixSeconds: () => number,
    /** One of ours is used up, and nobody became a contact by it. */
    private readonly onUsed: (key: PublicKey, note: string) => void,
  ) {}

  /** `name` is for who comes with it. Throws IdentityError bad_name, bad_invitation, too_many. */
  async invite(registryUrl: string, registryKey: PublicKey, name: string | undefined): Promise<Invitation> {
    if (name !== undefined && !isValidName(name)) throw new IdentityError("bad_name");
    const invitation = makeInvitation(registryUrl, registryKey, this.contacts.owner.publicKey);
    await this.invitations.add(invitation, this.unixSeconds(), name);
    return invitation;
  }

  /** Calls to its host carry it, until one has come through. */
  async use({ hostKey, secret }: Invitation): Promise<void> {
    const note = await invitationNote(secret);
    wipe(this.#given.get(hostKey.text)?.secret);
    this.#given.set(hostKey.text, { secret: Uint8Array.from(secret), note, carries: true });
  }

  /** What our next call to this host carries. */
  carried(host: PublicKey): { readonly secret: Uint8Array; readonly note: string } | undefined {
    const given = this.#given.get(host.text);
    return given?.carries === true ? given : undefined;
  }

  /** Of a call that came with this note, while an invitation of ours is open. */
  secretOf(note: string | undefined): Uint8Array | undefined {
    return note === undefined ? undefined : this.invitations.find(note, this.unixSeconds());
  }

  /** Somebody with an invitation who is no contact: what its handshake needs. Undefined for a key that agrees on nothing. */
  async arrive(publicKey: PublicKey): Promise<Contact | undefined> {
    try {
      const dh = await this.contacts.owner.agree(publicKey);
      this.#arriving.add(publicKey.text);
      return { publicKey, name: "", dh, policy: "allow", verified: true };
    } catch {
      return undefined;
    }
  }

  /** Whether a guest with this key is on its way in. */
  isArriving(key: PublicKey): boolean {
    return this.#arriving.has(key.text) && this.contacts.get(key) === undefined;
  }

  /**
   * The handshake of a call is through: `note` and `guest` are those of a call with an invitation. Returns who became a contact by it. Throws
   * RendezvousError unknown_contact when somebody else was quicker, IdentityError as Contacts.add().
   */
  joined(key: PublicKey, note: string | undefined, isCaller: boolean, guest: Contact | undefined): Contact | undefined {
    if (isCaller) {
      // With or without the invitation in it: whoever has come through is known to the other side.
      wipe(this.#given.get(key.text)?.secret);
      this.#given.delete(key.text);
      return undefined;
    }
    if (note === undefined) return undefined;
    const name = this.invitations.nameOf(note);
    const wasOpen = this.invitations.consume(note);
    if (guest === undefined || this.contacts.get(key) !== undefined) {
      if (wasOpen) this.onUsed(key, note);
      return undefined;
    }
    if (!wasOpen) throw new RendezvousError("unknown_contact");
    this.#arriving.delete(key.text);
    try {
      return this.contacts.admit({ ...guest, name: this.#freeName(name, key) });
    } catch (error) {
      this.onUsed(key, note);
      throw error;
    }
  }

  /** It is not. */
  failed(key: PublicKey, note: string | undefined, isCaller: boolean): void {
    const given = this.#given.get(key.text);
    if (!isCaller) this.#arriving.delete(key.text);
    else if (given !== undefined) given.carries = note === undefined;
  }

  /** A call without the invitation was not answered: its host does not know us yet. */
  refused(host: PublicKey): void {
    const given = this.#given.get(host.text);
    if (given !== undefined) given.carries = true;
  }

  #freeName(wanted: string | undefined, key: PublicKey): string {
    const base = wanted ?? `guest ${key.shortText}`;
    const free = [base, `${base} ${key.shortText}`].find((each) => isValidName(each) && this.contacts.find(each) === undefined);
    return free ?? key.text;
  }
}
