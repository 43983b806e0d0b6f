// Looks for secrets in what a program says: errors, events, log lines, answers.
import assert from "node:assert/strict";
import { inspect } from "node:util";

/** So much of a secret is the secret. */
const shortest = 12;

/** Throws AssertionError, without repeating the secret, as soon as something that it is shown holds one of these. */
export class SecretWatch {
  /** How much was shown. */
  looks = 0;
  /** How much of it held a secret: for those whose callers swallow what callbacks throw. */
  finds = 0;
  private readonly secrets: string[] = [];

  constructor(...secrets: string[]) {
    this.remember(...secrets);
  }

  /** For those that a fixture makes as it goes. */
  remember(...secrets: string[]): void {
    for (const secret of secrets) assert.ok(secret.length >= shortest, "too short to be looked for");
    this.secrets.push(...secrets.map((secret) => secret.slice(0, shortest)));
  }

  /** An error is looked at with its causes and everything it carries. */
  readonly look = (said: unknown): void => {
    this.looks++;
    const text = typeof said === "string" ? said : inspect(said, { depth: 12, showHidden: true, maxStringLength: null, maxArrayLength: null });
    const found = this.secrets.findIndex((secret) => text.includes(secret));
    if (found >= 0) this.finds++;
    assert.equal(found, -1, `secret ${found} was said`);
  };
}
