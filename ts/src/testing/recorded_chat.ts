// A chat on a gateway of its own that writes down what it hears. Layer tests.

import { once } from "node:events";
import { Ownwire, type OwnwireOptions } from "../ownwire/ownwire.js";
import { FakeGateway, gatewayKeys, type FakeVisit } from "./fake_gateway.js";

export const url = "wss://gateway.example/ws";
export const quick = { initialDelayMs: 0, maxDelayMs: 0 };

/** A chat that writes down what it hears, on a gateway of its own. */
export function chat(options: OwnwireOptions = {}, gateway = new FakeGateway()) {
  const heard: string[] = [];
  const ownwire = new Ownwire(url, { server_keys: [gatewayKeys.publicKey], ws_factory: gateway.factory, reconnect: quick, ...options });
  const emitter = new EventTarget();
  const hear = (text: string) => {
    heard.push(text);
    emitter.dispatchEvent(new Event(text));
  };
  ownwire.onMessage = (content, info) => hear(`message ${content} ${JSON.stringify(info)}`);
  ownwire.onOpen = ({ resumed }) => hear(resumed ? "resumed" : "open");
  ownwire.onClose = (error) => hear(`close ${error?.code ?? ""}`.trim());
  ownwire.onError = (error) => hear(`error ${error.code}${error.id === undefined ? "" : ` ${error.id}`}${error.fatal ? " fatal" : ""}`);
  ownwire.onState = (state) => hear(`state ${state}`);
  ownwire.onTyping = (on) => hear(`typing ${on}`);
  ownwire.onDelivery = (id, status) => hear(`${id} ${status}`);
  /** Waits until it was heard. */
  const until = async (text: string) => void (heard.includes(text) || (await once(emitter as never, text)));
  return { ownwire, gateway, heard, until };
}

export async function opened(options: OwnwireOptions = {}) {
  const world = chat(options);
  void world.ownwire.connect();
  const visit = await world.gateway.visit();
  await visit.readOf("hello");
  await visit.welcome();
  await world.until("open");
  return { ...world, visit };
}
export const texts = async (visit: FakeVisit, n: number) => {
  const frames = [];
  for (let i = 0; i < n; i++) frames.push(await visit.readOf("message"));
  return frames.map(({ id, content }) => `${id as number} ${content as string}`);
};
