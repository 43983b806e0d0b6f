// Elements without markup: properties are assigned, texts are text nodes.
// Layer ownwire.

/** An element with these properties and this inside. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name, properties: Partial<HTMLElementTagNameMap[Name]>, ...inside: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...inside);
  return element;
}

/** A button whose name is not its picture. */
export function button(className: string, label: string, picture: Node): HTMLButtonElement {
  const element = make("button", { type: "button", className, title: label }, picture);
  element.setAttribute("aria-label", label);
  return element;
}

const paths = {
  lock: "M7 11V8a5 5 0 0 1 10 0v3M6 11h12v9H6z",
  minimize: "M6 9l6 6 6-6",
  send: "M5 12h13M12 5l7 7-7 7",
};

/** A picture of 24 by 24 lines, drawn in the colour of the text. */
export function icon(name: keyof typeof paths): SVGElement {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(namespace, "path");
  path.setAttribute("d", paths[name]);
  svg.append(path);
  return svg;
}
