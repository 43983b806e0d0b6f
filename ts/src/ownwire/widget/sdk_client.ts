// The SDK as the chat's client.
// Layer ownwire.

import { embeddedServerKeys } from "../embedded.js";
import { Ownwire } from "../ownwire.js";
import type { MakeClient } from "./client.js";
import type { FrameOptions } from "./protocol.js";
import type { SessionStore } from "./transcript.js";

/** A widget tries as long as its page is there. */
const reconnect = { maxAttempts: Number.MAX_SAFE_INTEGER };

/** The options with the keys that are in force: those given, else those embedded in this script. */
export function withKeys(options: FrameOptions): FrameOptions & { server_keys: readonly string[] } {
  const { server_keys: given } = options;
  return { ...options, server_keys: Array.isArray(given) && given.length > 0 ? given : embeddedServerKeys() };
}

/** Makes clients with these options, which share the session in `storage`. They throw what the SDK's constructor throws. */
export function makeClientFor(options: FrameOptions, storage: SessionStore): MakeClient {
  return (events) => {
    const { metadata, auth, server_keys } = options;
    const ownwire = new Ownwire(options.ws_url, { server_keys, metadata, auth, reconnect, storage });
    ownwire.onState = (state) => events.state(state);
    ownwire.onMessage = (content) => events.reply(content);
    ownwire.onDelivery = (id, status) => events.delivery(id, status);
    ownwire.onTyping = (on) => events.typing(on);
    ownwire.onError = ({ code, fatal, id }) => events.problem({ code, fatal, id });
    return {
      connect: () => void ownwire.connect(),
      send: (text) => ownwire.send(text),
      typing: (on) => ownwire.typing(on),
      setMetadata: (metadata) => ownwire.setMetadata(metadata),
      get pending() {
        return ownwire.pending;
      },
      detach() {
        ownwire.onState = ownwire.onMessage = ownwire.onDelivery = ownwire.onTyping = ownwire.onError = undefined;
        ownwire.detach();
      },
    };
  };
}
