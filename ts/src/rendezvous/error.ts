// What goes wrong between a client, its registries and its contacts.
// Layer rendezvous. The first words are those of the wire. Source: RENDEZVOUS, "Errors".

/** What a registry says. */
export const registryCodes = [
  "already_registered", "not_registered", "key_mismatch", "invalid_frame", "recipient_unavailable", "proof_failed", "unknown_registry_key",
  "challenge_expired", "pow_required", "rate_limited", "replaced", "shutting_down",
] as const satisfies readonly RegistryErrorCode[];

/** A word of the wire; `refused` stands for one of another version. */
export type RegistryErrorCode =
  | "already_registered" | "not_registered" | "key_mismatch" | "invalid_frame" | "recipient_unavailable" | "proof_failed" | "unknown_registry_key"
  | "challenge_expired" | "pow_required" | "rate_limited" | "replaced" | "shutting_down" | "refused";

/**
 * What happened.
 *
 * | code | what | next |
 * |---|---|---|
 * | `invalid_url`, `missing_key`, `invalid_option` | an option that cannot be | nothing is tried |
 * | `already_registered` | the key is registered elsewhere; `replace` takes it over | final |
 * | `replaced` | another program took the registration over | that registry is left alone |
 * | `unpinned_registry` | the registry offers no key that is pinned | final |
 * | `unknown_registry_key` | the registry does not have the pinned key that we used | final; in the sealed mode the next one is tried |
 * | `proof_failed` | the registry does not accept our proof | final |
 * | `key_mismatch`, `not_registered`, `invalid_frame` | somebody broke the rules | tried again |
 * | `challenge_expired`, `rate_limited`, `pow_required`, `shutting_down` | not now | tried again |
 * | `too_much_work` | the registry asks for more than 20 bits | tried again: there may be less load |
 * | `registration_timeout`, `connect_failed`, `handshake_failed`, `connection_lost` | no connection to the registry, or none any more | tried again |
 * | `recipient_unavailable` | not connected, does not take the call, or declined it: nobody can tell which | of this message or channel |
 * | `no_answer` | a registry said nothing of a call for 25 s | of this message or channel, after the attempts |
 * | `channel_failed` | the channel did not come to be: tunnel or peer; see `cause` | of this message or channel |
 * | `channel_lost` | the channel ended, and could not be got back | of the messages that it left |
 * | `offline` | we and the contact watch each other, and it went away | at once |
 * | `no_registry` | none has us registered, and none is tried any more | SecureSocketClient.retry() |
 * | `unknown_contact` | the key is no contact, or a blocked one | of this message or channel |
 * | `queue_full`, `message_too_large`, `message_not_json` | send() did not take it | |
 * | `aborted` | the signal of the call fired | |
 * | `closed` | close() | |
 * | `refused` | a registry says what this version does not know | as its `fatal` says |
 */
export type RendezvousErrorCode =
  | RegistryErrorCode | "invalid_url" | "missing_key" | "invalid_option" | "too_much_work" | "registration_timeout" | "connect_failed"
  | "handshake_failed" | "connection_lost" | "no_answer" | "channel_failed" | "channel_lost" | "unknown_contact" | "queue_full"
  | "message_too_large" | "message_not_json" | "unpinned_registry" | "offline" | "no_registry" | "aborted" | "closed";

/** The one error class of clients and registries. Branch on `code`. The text is for people; no key and no message is in it. */
export class RendezvousError extends Error {
  override readonly name = "RendezvousError";
  constructor(
    /** What happened. */
    readonly code: RendezvousErrorCode,
    detail?: string,
    options?: ErrorOptions,
  ) {
    super(`rendezvous: ${code}${detail === undefined ? "" : `: ${detail}`}`, options);
  }
}

const finalCodes: ReadonlySet<RendezvousErrorCode> = new Set([
  "invalid_url", "missing_key", "invalid_option", "already_registered", "replaced", "proof_failed", "unknown_registry_key", "unpinned_registry", "closed", "aborted",
]);

/** Whether a registration that failed so is not tried again. testdata/rendezvous/registration_ends.json is its table of cases, which C++ shares. */
export function isFinal(code: RendezvousErrorCode): boolean {
  return finalCodes.has(code);
}
