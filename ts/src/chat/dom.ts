// Elements without markup: properties are assigned, texts are text nodes.
// Layer chat.

/** An element with these properties and this inside. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name, properties: Partial<HTMLElementTagNameMap[Name]> = {}, ...inside: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...inside);
  return element;
}

export function button(label: string, onclick: () => void, className = ""): HTMLButtonElement {
  return make("button", { type: "button", className, onclick }, label);
}

/** A field with its label above. */
export function field(label: string, input: HTMLInputElement): HTMLLabelElement {
  return make("label", {}, make("span", {}, label), input);
}

/** A text of others: its own direction decides how it is laid out. */
export function said(name: "bdi" | "h2" | "p" | "span", text: string, className = ""): HTMLElement {
  return make(name, { className, dir: "auto" }, text);
}
