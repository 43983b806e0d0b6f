// What a gateway writes into the scripts that it serves. In the package, and in scripts as they are built, nothing is written yet.
// Layer ownwire. Each template is the whole content of one literal; scripts/ownwire.mjs checks that there is one of each.

/** What was written in the place of a template; empty when nothing was. */
export function filled(template: string): string {
  return template.startsWith("%") ? "" : template;
}

/** The gateway's public keys, the one to be used first. */
export function embeddedServerKeys(): string[] {
  return filled("%OWNWIRE_SERVER_KEYS%").split(",").filter((key) => key !== "");
}
