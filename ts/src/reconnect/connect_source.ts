// From an artifact source to a connection that comes back, in one call.
// Layer reconnect.

import { FlowersecError, withAbort } from "../base/index.js";
import type { ConnectArtifact } from "../endpoint/artifact.js";
import type { ConnectOptions } from "../endpoint/options.js";
import type { Client } from "../session/index.js";
import { reconnectConfig } from "./config.js";
import { createReconnectManager, type ReconnectManager } from "./manager.js";
import type { ReconnectSettings } from "./settings.js";
import type { ArtifactSource } from "./source.js";
import type { Surroundings } from "./surroundings.js";

/** Options of connecting, for every attempt, and of coming back. `signal` gives up until the manager is connected. */
export type FromSource<Options> = Options & {
  /** Enabled unless it says otherwise, or the source yields once. */
  readonly autoReconnect?: ReconnectSettings | undefined;
  /** As in ConnectConfig. */
  readonly surroundings?: Surroundings | false | undefined;
};

/**
 * A manager that is connected. Errors: auto/validate/invalid_input for what is no source; those of ReconnectManager.connect;
 * connect/canceled when the signal fires before: nothing goes on then.
 */
export async function stayConnected<Options extends Pick<ConnectOptions, "signal" | "observer" | "clock">>(
  source: ArtifactSource,
  options: FromSource<Options>,
  connect: (artifact: ConnectArtifact, options: Options) => Promise<Client>,
): Promise<ReconnectManager> {
  const { autoReconnect, surroundings, signal, observer, ...rest } = options ?? ({} as FromSource<Options>);
  if (!isSource(source)) throw new FlowersecError({ path: "auto", stage: "validate", code: "invalid_input", message: "no artifact source" });
  const settings = { ...autoReconnect, enabled: autoReconnect?.enabled ?? source.kind === "refreshable" };
  const config = reconnectConfig<Options>({ source, connect: rest as unknown as Options, observer, autoReconnect: settings, surroundings }, connect);
  const manager = createReconnectManager({ clock: rest.clock });
  try {
    await withAbort(signal?.aborted ? Promise.resolve() : manager.connect(config), signal);
  } catch (error) {
    if (!signal?.aborted) throw error;
    manager.disconnect();
    throw new FlowersecError({ path: "auto", stage: "connect", code: "canceled", cause: signal.reason });
  }
  return manager;
}

function isSource({ kind, artifact, acquire }: { kind?: unknown; artifact?: unknown; acquire?: unknown }): boolean {
  return kind === "once" ? typeof artifact === "object" && artifact !== null : kind === "refreshable" && typeof acquire === "function";
}
