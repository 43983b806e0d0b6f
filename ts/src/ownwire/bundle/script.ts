// Where a script was loaded from: what it needs besides lies beside it.
// Layer ownwire. For classic scripts; in a module scripts/ownwire.mjs puts import.meta.url in the place of this.

interface Tag {
  readonly src?: string;
  readonly nonce?: string;
}

let tag: Tag | null | undefined;

/** To be called while the script runs for the first time: later nobody knows. */
export function noteScript(): void {
  tag = (globalThis as { document?: { currentScript?: Tag | null } }).document?.currentScript;
}

/** Its URL; undefined for a script that was not loaded by an element. */
export function scriptUrl(): string | undefined {
  return tag?.src || undefined;
}

/** Of its element: whatever a policy lets in by it, it lets in the next one. */
export function scriptNonce(): string | undefined {
  return tag?.nonce || undefined;
}
