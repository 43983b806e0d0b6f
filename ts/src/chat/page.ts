// page.js: the program of the chat page. Asks its own server which registry there is, takes an invitation out of the address, and
// connects. Keys live as long as the page. Layer chat.

import { displayText } from "../base/index.js";
import {
  Contacts, exportIdentityText, Identity, importStoredIdentity, invitationFragment, OpenInvitations, parseInvitation, PublicKey, type Invitation, type StoredIdentity,
} from "../identity/index.js";
import { checkRegistryUrl } from "../rendezvous/registry_connection.js";
import { SecureSocketClient } from "../rendezvous/secure_socket_client.js";
import { directionOf } from "../base/direction.js";
import { make } from "./dom.js";
import { ChatModel } from "./model.js";
import { ChatView, type PageActions } from "./view.js";

/** chat.json, from the server of this page. */
interface PageConfig {
  readonly registry_url: string;
  readonly registry_keys: readonly string[];
  /** Where to ask what registry and tunnel saw; in the demo. */
  readonly saw?: string;
}

interface Page {
  readonly client: () => SecureSocketClient | undefined;
  stop(): Promise<void>;
}

let page: Page | undefined;

/** The invitation in the address, which is taken out of it at once: neither history nor a screen shows it again. */
function takeInvitation(): Invitation | undefined {
  const { hash } = location;
  if (!hash.startsWith("#fsi1=")) return undefined;
  history.replaceState(null, "", location.pathname + location.search);
  return parseInvitation(hash);
}

async function start(config: PageConfig, { contacts, invitations }: StoredIdentity, invitation: Invitation | undefined): Promise<Page> {
  let client: SecureSocketClient | undefined;
  let isOver = false;
  let view: ChatView | undefined;
  const model = new ChatModel(contacts, (said) => view?.show(said));
  const registries = [{ url: config.registry_url, registryKeys: config.registry_keys }];
  if (invitation !== undefined && checkRegistryUrl(invitation.registryUrl).url !== checkRegistryUrl(config.registry_url).url) {
    registries.push({ url: invitation.registryUrl, registryKeys: [invitation.registryKey.text] });
  }
  const connect = async () => {
    const made = await SecureSocketClient.create({
      registries, contacts, invitations,
      onMessage: (error, message) => (message === undefined ? view?.complain(error) : model.received(message)),
      onIncoming: (call) => model.incoming(call),
      onState: (event) => model.event(event),
    });
    if (isOver) return made.close();
    client = made;
    model.connect(made);
    if (invitation === undefined) return;
    const host = await made.useInvitation(invitation, freeName(contacts, "host"));
    invitation = undefined;
    await model.learn();
    model.choose(host.publicKey.text);
  };
  const again = () => void connect().catch((error: unknown) => view?.complain(error));
  const actions: PageActions = {
    invite: async () => {
      if (client === undefined) throw new Error("not connected");
      return location.origin + location.pathname + invitationFragment(await client.invite());
    },
    exportFile: async (passphrase) => {
      const text = await exportIdentityText(contacts, { invitations, passphrase: passphrase === "" ? undefined : passphrase });
      const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
      make("a", { href: url, download: "identity.json" }).click();
      URL.revokeObjectURL(url);
    },
    importFile: async (text, passphrase) => {
      const known = await importStoredIdentity(text, passphrase === "" ? undefined : passphrase);
      await page?.stop();
      page = await start(config, known, undefined);
    },
    saw: config.saw === undefined ? undefined : async () => displayText(await (await fetch(config.saw as string)).text(), "kept"),
    retryRegistries: () => (client === undefined ? again() : client.retry()),
  };
  view = new ChatView(model, actions, contacts.owner.publicKey.text);
  await model.learn();
  again();
  return {
    client: () => client,
    stop: async () => {
      isOver = true;
      await client?.close();
      contacts.wipe();
      contacts.owner.destroy();
    },
  };
}

function freeName(contacts: Contacts, wanted: string): string {
  let name = wanted;
  for (let i = 2; contacts.find(name) !== undefined; i++) name = `${wanted} ${i}`;
  return name;
}

async function main(): Promise<void> {
  const lang = new URLSearchParams(location.search).get("lang") ?? navigator.language;
  document.documentElement.dir = directionOf(lang);
  const invitation = takeInvitation();
  const config = (await (await fetch("chat.json", { cache: "no-store" })).json()) as PageConfig;
  for (const key of config.registry_keys) PublicKey.parse(key);
  page = await start(config, { contacts: new Contacts(await Identity.generate()), invitations: new OpenInvitations() }, invitation);
}

addEventListener("pagehide", () => void page?.stop());
main().catch((error: unknown) => {
  document.body.replaceChildren(make("main", {}, make("p", { role: "alert" }, `The chat could not start: ${error instanceof Error ? error.message : String(error)}`)));
});
