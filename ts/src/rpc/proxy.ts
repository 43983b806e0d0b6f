// Notification subscriptions that outlive the client they are heard on.
// Layer rpc.

import type { RpcCaller, RpcReply } from "../gen/flowersec_runtime.gen.js";
import { Subscriptions } from "./subscriptions.js";

/** A proxy has no client at the moment. */
export class RpcProxyDetachedError extends Error {
  override readonly name = "RpcProxyDetachedError";
  constructor() {
    super("rpc proxy: detached");
  }
}

/** Passes calls to whatever client is attached; subscriptions move from one client to the next. */
export class RpcProxy implements RpcCaller {
  private client: RpcCaller | undefined;
  private readonly subscriptions = new Subscriptions();
  private readonly typeIds = new Map<number, { users: number; unsubscribe: () => void }>();

  /** Uses this client from now on, and the one before no more. */
  attach(client: RpcCaller): void {
    this.detach();
    this.client = client;
    for (const [typeId, entry] of this.typeIds) entry.unsubscribe = this.subscribe(typeId);
  }

  /** Uses none. Calls under way go on at the client they were made on. */
  detach(): void {
    for (const entry of this.typeIds.values()) entry.unsubscribe();
    this.client = undefined;
  }

  /** Hears notifications of a type from every client attached, until the function that is returned is called. */
  onNotify(typeId: number, handler: (payload: unknown) => void): () => void {
    const remove = this.subscriptions.add(typeId, handler);
    const entry = this.typeIds.get(typeId) ?? { users: 0, unsubscribe: () => {} };
    if (entry.users++ === 0) {
      this.typeIds.set(typeId, entry);
      entry.unsubscribe = this.subscribe(typeId);
    }
    let isSubscribed = true;
    return () => {
      if (!isSubscribed) return;
      isSubscribed = false;
      remove();
      if (--entry.users > 0) return;
      entry.unsubscribe();
      this.typeIds.delete(typeId);
    };
  }

  /** As RpcClient.call. Errors: RpcProxyDetachedError without a client. */
  async call(typeId: number, payload: unknown, signal?: AbortSignal): Promise<RpcReply> {
    return this.attached().call(typeId, payload, signal);
  }

  /** As RpcClient.notify. Errors: RpcProxyDetachedError without a client. */
  async notify(typeId: number, payload: unknown, signal?: AbortSignal): Promise<void> {
    await this.attached().notify(typeId, payload, signal);
  }

  private attached(): RpcCaller {
    if (this.client === undefined) throw new RpcProxyDetachedError();
    return this.client;
  }

  private subscribe(typeId: number): () => void {
    return this.client?.onNotify(typeId, (payload) => this.subscriptions.deliver(typeId, payload)) ?? (() => {});
  }
}
