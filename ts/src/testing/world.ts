// A client and an endpoint on two joined WebSockets, with whatever options a test wants.
import assert from "node:assert/strict";
import { after } from "node:test";
import { encodeBase64url, FlowersecError } from "../base/index.js";
import { acceptDirect, type DirectCredential } from "../endpoint/accept.js";
import { connectDirect } from "../endpoint/connect.js";
import type { DirectAcceptOptions, DirectConnectOptions } from "../endpoint/options.js";
import type { DirectConnectInfo } from "../gen/flowersec/direct/v1.gen.js";
import type { Client, Session } from "../session/index.js";
import { SecretWatch } from "./secret_watch.js";
import { PairedWebSocket } from "./socket_pair.js";

export const psk = new Uint8Array(32).fill(7);

export const info: DirectConnectInfo = {
  ws_url: "wss://endpoint.example/ws",
  channel_id: "channel",
  e2ee_psk_b64u: encodeBase64url(psk),
  channel_init_expire_at_unix_s: Math.floor(Date.now() / 1000) + 60,
  default_suite: 1,
};

export const credential: DirectCredential = {
  channelId: "channel",
  suite: 1,
  psk,
  initExpireAtUnixS: info.channel_init_expire_at_unix_s,
};

export const origin = "https://app.example";

/** Looks for this key in errors and events. */
export const watch = new SecretWatch(info.e2ee_psk_b64u);
// What observers and other callbacks throw is swallowed by those who call them.
after(() => assert.equal(watch.finds, 0, "a secret was said"));

/** "path/stage/code" of an error, which says nothing that is secret. */
export function triple(error: unknown): string {
  watch.look(error);
  return error instanceof FlowersecError ? `${error.path}/${error.stage}/${error.code}` : String(error);
}

/** For assert.rejects: an error with this "path/stage/code". */
export const fails = (expected: string) => (error: unknown) => {
  assert.equal(triple(error), expected);
  return true;
};

export interface World {
  client: Client;
  session: Session;
  sockets: [PairedWebSocket, PairedWebSocket];
}

/** Both ends, connected. */
export async function connected(
  clientOptions: Partial<DirectConnectOptions> = {},
  serverOptions: DirectAcceptOptions = {},
  suite: 1 | 2 = 1,
): Promise<World> {
  const sockets = PairedWebSocket.pair();
  const [client, session] = await Promise.all([
    connectDirect({ ...info, default_suite: suite }, { origin, wsFactory: () => sockets[0], ...clientOptions }),
    acceptDirect(sockets[1], { ...credential, suite }, serverOptions),
  ]);
  return { client, session, sockets };
}
