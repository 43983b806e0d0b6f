// A visitor behind the proxy, for tests: the SDK with the gateway's key pinned, and what it was told.
import { Ownwire } from "flowersec/ownwire";
import { mailbox } from "../ownwire/internal_port.mjs";
import { host } from "./world.mjs";

/** A chat that is started. `reply()` is the next reply: {content, info}. */
export function startChat(serverKey, options = {}) {
  const chat = new Ownwire(`wss://${host}/ws`, { server_keys: [serverKey], ...options });
  const replies = mailbox();
  const states = [];
  const errors = [];
  chat.onMessage = (content, info) => replies.put({ content, info });
  chat.onState = (state) => states.push(state);
  chat.onError = (error) => errors.push(error);
  const opened = chat.connect();
  return { chat, opened, reply: replies.next, states, errors };
}
