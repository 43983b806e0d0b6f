// What a manager is told to connect with, and how it is made of a source and the options of connecting.
// Layer reconnect.

import type { FlowersecError } from "../base/index.js";
import type { ConnectArtifact } from "../endpoint/artifact.js";
import type { RpcCaller } from "../gen/flowersec_runtime.gen.js";
import { idIn } from "../endpoint/artifact_parts.js";
import type { ClientObserverLike, ObserverContext } from "../observability/events.js";
import type { Client } from "../session/index.js";
import { checkSettings, type ReconnectSettings } from "./settings.js";
import { createArtifactResolver, type ArtifactSource } from "./source.js";
import type { Surroundings } from "./surroundings.js";

/** What a manager can supervise: a Client, or whatever is made of one. */
export interface SupervisedClient {
  /** Ends the session; may throw. */
  close(): void;
  /** As Client.ended. Without it the observer's callbacks tell of the end. */
  readonly ended?: Promise<FlowersecError | undefined>;
  /** As Client.rpcEnded. */
  readonly rpcEnded?: Promise<FlowersecError>;
  readonly rpc?: RpcCaller;
  /** As Client.probeLiveness: one round trip, in milliseconds. Without it nobody is asked after a sleep. */
  probeLiveness?(): Promise<number>;
}

/** What belongs to one attempt. */
export interface ConnectAttempt {
  /** Fires when nobody wants the connection any more; what still comes is closed. */
  readonly signal: AbortSignal;
  /** The config's, in the attempt's context. Connecting must use it. */
  readonly observer: ClientObserverLike;
  /** Call it with the ids of the attempt's artifact: its events, and those of its loss, carry them. */
  readonly identify?: (ids: Pick<ObserverContext, "traceId" | "sessionId">) => void;
}

/** What a ReconnectManager connects with. createBrowserReconnectConfig and createNodeReconnectConfig make one. */
export interface ConnectConfig<C extends SupervisedClient = Client> {
  /** One attempt, with an artifact of its own. */
  connectOnce(attempt: ConnectAttempt): Promise<C>;
  readonly observer?: ClientObserverLike | undefined;
  readonly autoReconnect?: ReconnectSettings | undefined;
  /** Default, when enabled: the page's, where there is one; false disregards it, as for an endpoint on the same machine. */
  readonly surroundings?: Surroundings | false | undefined;
}

/** Parts of a ConnectConfig whose attempts acquire an artifact and connect with it. */
export interface ReconnectConfigInput<Options> {
  readonly source: ArtifactSource;
  /** For every attempt. */
  readonly connect?: Omit<Options, "signal" | "observer"> | undefined;
  readonly observer?: ClientObserverLike | undefined;
  readonly autoReconnect?: ReconnectSettings | undefined;
  readonly surroundings?: Surroundings | false | undefined;
}

/** Throws as checkSettings: also for a source that yields once together with reconnecting. */
export function reconnectConfig<Options>(
  input: ReconnectConfigInput<Options>,
  connect: (artifact: ConnectArtifact, options: Options) => Promise<Client>,
): ConnectConfig {
  const { source, connect: options, ...rest } = input;
  checkSettings(rest.autoReconnect, source.kind);
  const acquire = createArtifactResolver(source);
  return {
    ...rest,
    connectOnce: async (attempt) => {
      const { signal, identify } = attempt;
      const artifact = await acquire({ signal });
      const [traceId, sessionId] = [idIn(artifact.correlation?.trace_id), idIn(artifact.correlation?.session_id)];
      identify?.({ ...(traceId !== undefined && { traceId }), ...(sessionId !== undefined && { sessionId }) });
      return connect(artifact, { ...options, signal, observer: attempt.observer } as Options); // with the ids
    },
  };
}
