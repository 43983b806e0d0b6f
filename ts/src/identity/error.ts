// What is refused about identities, contacts, proofs, invitations and files.
// Layer identity. The words are those of C++'s identity_errc, which says what each means.

/** What was refused; IDENTITY says what each means. */
export type IdentityErrorCode =
  | "bad_length" | "padded" | "standard_alphabet" | "bad_character" | "unused_bits" | "top_bit" | "not_reduced"
  | "small_order" | "weak_secret" | "destroyed" | "own_key" | "bad_name" | "key_known" | "key_changed" | "too_many"
  | "unknown_contact" | "bad_address" | "bad_proof" | "bad_channel_id" | "too_much_work" | "bad_invitation" | "bad_file"
  | "file_shared" | "bad_passphrase" | "passphrase_needed" | "wrong_passphrase" | "not_sealed";

/** Branch on `code`. The text holds nothing secret. */
export class IdentityError extends Error {
  override readonly name = "IdentityError";
  constructor(
    readonly code: IdentityErrorCode,
    detail?: string,
    options?: ErrorOptions,
  ) {
    super(`identity: ${code}${detail === undefined ? "" : `: ${detail}`}`, options);
  }
}
