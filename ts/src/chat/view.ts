// The chat page: people on one side, a conversation on the other, what the servers saw below.
// Layer chat. Everything from others is a text node. Source: SECURE_WEBSOCKET, "Chat".

import { button, field, make, said } from "./dom.js";
import type { ChatModel, Entry, Person } from "./model.js";

/** What the page does besides what its model does. */
export interface PageActions {
  /** Makes a link, as text. */
  invite(): Promise<string>;
  exportFile(passphrase: string): Promise<void>;
  importFile(text: string, passphrase: string): Promise<void>;
  /** What registry and tunnel tell of themselves, or undefined where the page's server knows nothing of it. */
  saw: (() => Promise<string>) | undefined;
  retryRegistries(): void;
}

const deliveryWords = { sending: "sending…", delivered: "delivered", failed: "not delivered" };

export class ChatView {
  readonly #status = make("p", { className: "status", id: "status" });
  /** Told to screen readers, one thing at a time. */
  readonly #live = make("div", { className: "hidden", ariaLive: "polite", role: "status" });
  readonly #alert = make("div", { role: "alert", className: "alerts" });
  readonly #people = make("ul", { className: "people" });
  readonly #head = make("div", { className: "contact" });
  readonly #lines = make("ol", {});
  readonly #log = make("div", { className: "log", role: "log", ariaLive: "off", ariaLabel: "Messages", tabIndex: 0 }, this.#lines);
  readonly #text = make("textarea", { rows: 2, id: "text", maxLength: 16_384 });
  readonly #send = button("Send", () => this.#submit());
  readonly #problem = make("p", { className: "problem", role: "alert" });
  #shownLog = "";

  constructor(
    private readonly model: ChatModel,
    private readonly actions: PageActions,
    ownKey: string,
  ) {
    this.#text.dir = "auto";
    this.#text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
    const key = make("code", { id: "own-key" }, ownKey);
    document.body.replaceChildren(
      make("header", {}, make("h1", {}, "Chat"), this.#status),
      this.#live,
      make("main", {},
        this.#alert,
        make("section", { className: "side", ariaLabel: "People" },
          make("p", { className: "own" }, "Your key, which others add: ", key),
          make("h2", {}, "Contacts"), this.#people, this.#adding(), this.#inviting(), this.#keeping()),
        make("section", { className: "talk", ariaLabel: "Conversation" },
          this.#head, this.#log,
          make("form", { className: "write", onsubmit: (event) => (event.preventDefault(), this.#submit()) },
            make("label", { htmlFor: "text" }, "Message"), this.#text, this.#send),
          this.#problem)),
      ...(actions.saw === undefined ? [] : [this.#seeing(actions.saw)]),
    );
    this.show();
  }

  /** Shows the model anew. */
  show(announced?: string): void {
    if (announced !== undefined) this.#live.textContent = announced;
    const registries = this.model.registries();
    this.#status.replaceChildren(...registries.map(({ url, state, why }) =>
      make("span", { className: `registry ${state}` }, `${url}: ${state}${why === undefined ? "" : ` (${why})`} `)));
    if (registries.some(({ state }) => state === "failed")) this.#status.append(button("Connect again", () => this.actions.retryRegistries()));
    const chosen = this.model.chosen;
    this.#showPeople(this.model.people(), chosen?.key);
    this.#showAlerts();
    this.#showHead(chosen);
    this.#showLog(this.model.entries(), chosen?.name ?? "");
    this.#text.disabled = this.#send.disabled = chosen === undefined || chosen.blocked;
  }

  complain(problem: unknown): void {
    this.#problem.textContent = problem === undefined ? "" : `That did not work: ${problem instanceof Error ? problem.message : String(problem)}`;
  }

  /** Runs what a person asked for; what goes wrong is said. */
  #do(work: () => Promise<unknown> | void): void {
    this.complain(undefined);
    Promise.resolve().then(work).catch((error: unknown) => this.complain(error));
  }

  #submit(): void {
    if (this.#send.disabled) return;
    this.model.send(this.#text.value);
    this.#text.value = "";
    this.#text.focus();
  }

  #showPeople(people: readonly Person[], chosen: string | undefined): void {
    const focused = document.activeElement instanceof HTMLElement && this.#people.contains(document.activeElement) ? document.activeElement.dataset["key"] : undefined;
    this.#people.replaceChildren(...people.map((person) => {
      const open = button("", () => this.model.choose(person.key), "person");
      open.dataset["key"] = person.key;
      open.append(
        said("span", person.name, "name"),
        make("span", { className: "marks" },
          person.verified ? make("span", { className: "verified" }, "✓ verified") : make("span", { className: "unverified" }, "not verified"),
          person.blocked ? ", blocked" : person.online ? ", online" : "",
          person.unread > 0 ? `, ${person.unread} new` : ""));
      if (person.key === chosen) open.setAttribute("aria-current", "true");
      return make("li", {}, open);
    }));
    if (focused !== undefined) this.#people.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  #showAlerts(): void {
    const { warning } = this.model;
    const parts: Node[] = [];
    if (warning !== undefined) {
      parts.push(make("div", { className: "key-warning" },
        make("strong", {}, "Warning: another key. "), said("bdi", warning.name),
        " has another key than before. Somebody may be posing as this contact.",
        make("dl", {}, make("dt", {}, "Known"), make("dd", {}, warning.knownKey), make("dt", {}, "Offered"), make("dd", {}, warning.offered.text),
          make("dt", {}, "Fingerprint of the offered one"), make("dd", {}, warning.fingerprint)),
        button("Keep the known key", () => this.model.keepKey()), button("Take the new key", () => this.#do(() => this.model.replaceKey()), "danger")));
    }
    for (const { key, note } of this.model.strangers()) {
      const name = make("input", { type: "text", required: true, maxLength: 128, autocomplete: "off" });
      parts.push(make("form", { className: "stranger", onsubmit: (event) => (event.preventDefault(), this.#do(() => this.model.letIn(key, name.value))) },
        make("p", {}, "Somebody who is no contact calls: ", make("code", {}, key)),
        ...(note === "" ? [] : [make("p", {}, "with a note, which proves nothing: ", said("bdi", note))]),
        field("Let in as", name), make("button", { type: "submit" }, "Let in")));
    }
    // What somebody is typing into stays.
    if (parts.length === 0 || !this.#alert.contains(document.activeElement) || warning !== undefined) this.#alert.replaceChildren(...parts);
  }

  #showHead(person: Person | undefined): void {
    if (person === undefined) return this.#head.replaceChildren(make("h2", {}, "Nobody is chosen"), make("p", {}, "Add a contact by its key, or choose one."));
    const { key } = person;
    const verified = make("input", { type: "checkbox", checked: person.verified, id: "verified" });
    verified.addEventListener("change", () => this.model.setVerified(key, verified.checked));
    const focused = document.activeElement?.id === "verified";
    this.#head.replaceChildren(
      said("h2", person.name),
      make("p", {}, make("span", { className: person.verified ? "verified" : "unverified" }, person.verified ? "✓ verified" : "not verified"),
        `, channel: ${person.channel}${person.online ? ", online" : ""}`),
      make("details", { open: this.#head.querySelector("details")?.open ?? false },
        make("summary", {}, "Key and fingerprint"),
        make("p", {}, "Key: ", make("code", {}, key)),
        make("p", {}, "Compare this with your contact, by voice or face to face:"),
        make("p", { className: "fingerprint", dir: "ltr" }, person.fingerprint),
        make("label", { className: "check" }, verified, " We see the same"),
        button(person.blocked ? "Unblock" : "Block", () => this.model.setBlocked(key, !person.blocked)),
        button("Remove", () => this.model.remove(key), "danger")));
    if (focused) document.getElementById("verified")?.focus();
  }

  #showLog(entries: readonly Entry[], name: string): void {
    const now = JSON.stringify([entries, name]);
    if (now === this.#shownLog) return;
    this.#shownLog = now;
    const atEnd = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < 40;
    this.#lines.replaceChildren(...entries.map((entry) => {
      const line = make("li", { className: entry.mine ? "mine" : "theirs" },
        make("span", { className: "who" }, entry.mine ? "You" : said("bdi", name)), said("p", entry.text, "text"));
      if (entry.state !== undefined) {
        line.append(make("span", { className: `delivery ${entry.state}` }, deliveryWords[entry.state] + (entry.why === undefined ? "" : `: ${entry.why}`)));
      }
      if (entry.state === "failed") line.append(button("Send again", () => this.model.retry(entry.id)));
      return line;
    }));
    if (atEnd) this.#log.scrollTop = this.#log.scrollHeight;
  }

  #adding(): HTMLElement {
    const name = make("input", { type: "text", required: true, maxLength: 128, autocomplete: "off", id: "add-name" });
    const key = make("input", { type: "text", required: true, maxLength: 400, autocomplete: "off", spellcheck: false, id: "add-key" });
    return make("form", {
      className: "add",
      onsubmit: (event) => {
        event.preventDefault();
        this.#do(async () => {
          await this.model.add(name.value, key.value);
          name.value = key.value = "";
        });
      },
    }, field("Name", name), field("Key or address", key), make("button", { type: "submit" }, "Add contact"));
  }

  #inviting(): HTMLElement {
    const link = make("input", { type: "text", readOnly: true, id: "link" });
    const row = field("Give this to one person; it is good once, for 24 hours", link);
    row.hidden = true;
    return make("div", { className: "invite" },
      button("Make an invitation", () => this.#do(async () => {
        link.value = await this.actions.invite();
        row.hidden = false;
        link.select();
      })), row);
  }

  #keeping(): HTMLElement {
    const passphrase = make("input", { type: "password", autocomplete: "off", id: "passphrase" });
    const file = make("input", { type: "file", id: "identity-file", accept: "application/json,.json" });
    return make("details", { className: "keep" }, make("summary", {}, "Keep this identity"),
      make("p", {}, "Your key lives as long as this page. A file keeps it; flowersec chat reads the same."),
      field("Passphrase of the file", passphrase),
      button("Save to a file", () => this.#do(() => this.actions.exportFile(passphrase.value))),
      field("Open a file", file),
      button("Open", () => this.#do(async () => {
        const [chosen] = file.files ?? [];
        if (chosen !== undefined) await this.actions.importFile(await chosen.text(), passphrase.value);
      })));
  }

  #seeing(saw: () => Promise<string>): HTMLElement {
    const text = make("pre", { id: "saw", role: "region", tabIndex: 0, ariaLabel: "What registry and tunnel say" });
    const show = () => this.#do(async () => void (text.textContent = await saw()));
    const all = make("details", { className: "saw" }, make("summary", {}, "What registry and tunnel saw"),
      make("p", {}, "Their own counters and logs. Both see who is connected, when, and how much; the registry also sees keys. No text is in there."),
      button("Look again", show), text);
    all.addEventListener("toggle", () => all.open && show());
    return make("footer", {}, all);
  }
}
