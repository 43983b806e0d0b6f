// One registration of a client: from a connection that opened to one that ended.
// Layer rendezvous. Told what the registry says and the time, it answers with intents; proofs and work are computed by whoever asks it.
// Source: RENDEZVOUS, "Registration".

import { maxWorkBits, type PublicKey } from "../identity/index.js";
import { type RendezvousErrorCode } from "./error.js";
import { decodeServerFrame, type ClientFrame, type ServerFrame } from "./frames.js";
import { keepAliveMs, silenceMs } from "./limits.js";

/** A registry cannot make us ping like mad. */
const minKeepAliveMs = 5_000;

/** What is said of calls and presence, for others than this machine. */
export type CallFrame = Extract<ServerFrame, { type: "incoming" | "grant" | "cancelled" | "presence" | "error" }>;

/** What the machine wants, in this order. */
export type RegistrationIntent =
  /** Compute the proof, and work when `workBits` is not 0; then proved(). */
  | { readonly want: "prove"; readonly registryKey: PublicKey; readonly challenge: Uint8Array; readonly workBits: number }
  | { readonly want: "send"; readonly frame: ClientFrame }
  | { readonly want: "registered"; readonly session: string }
  | { readonly want: "call"; readonly frame: CallFrame }
  /** It is over; the connection is to be closed. */
  | { readonly want: "fail"; readonly code: RendezvousErrorCode };

/** Who registers, and where. */
export interface RegistrationSettings {
  readonly publicKey: PublicKey;
  readonly pins: readonly PublicKey[];
  /** 16 bytes: this process. */
  readonly instance: Uint8Array;
  readonly replace: boolean;
  readonly timeoutMs: number;
}

type State =
  | { readonly name: "waiting" | "asked"; readonly byMs: number }
  | { readonly name: "proving"; readonly registryKey: PublicKey }
  | { readonly name: "registered"; readonly keepAliveMs: number; pingAtMs: number; silentByMs: number }
  | { readonly name: "over" };

export class RegistrationMachine {
  private state: State;
  private readonly intents: RegistrationIntent[] = [];

  /** The connection is open. */
  constructor(
    private readonly settings: RegistrationSettings,
    nowMs: number,
  ) {
    this.state = { name: "waiting", byMs: nowMs + settings.timeoutMs };
  }

  get isRegistered(): boolean {
    return this.state.name === "registered";
  }

  /** When advance() has something to do. While the proof is computed there is none: the registry has a time-out of its own. */
  get deadline(): number | undefined {
    const { state } = this;
    if (state.name === "waiting" || state.name === "asked") return state.byMs;
    return state.name === "registered" ? Math.min(state.pingAtMs, state.silentByMs) : undefined;
  }

  pollIntent(): RegistrationIntent | undefined {
    return this.intents.shift();
  }

  /** What the registry said. */
  text(text: string, nowMs: number): void {
    if (this.state.name === "over") return;
    const frame = decodeServerFrame(text);
    if (frame === undefined) return this.fail("invalid_frame");
    if (this.state.name === "registered") this.state.silentByMs = nowMs + silenceMs;
    switch (frame.type) {
      case "unknown":
      case "pong":
        return;
      case "ping":
        // A registry takes any frame before the registration but that one amiss.
        if (this.state.name === "registered") this.intents.push({ want: "send", frame: { type: "pong", t: frame.t } });
        return;
      case "challenge":
        return this.challenged(frame);
      case "registered":
        return this.registered(frame, nowMs);
      case "error":
        // What is fatal ends the connection, and before the registration everything does.
        if (frame.fatal || this.state.name !== "registered") return this.fail(frame.code);
        return void this.intents.push({ want: "call", frame });
      default:
        if (this.state.name !== "registered") return this.fail("invalid_frame");
        this.intents.push({ want: "call", frame });
    }
  }

  /** `workNonce`: when work was asked for. */
  proved(proof: Uint8Array, workNonce: Uint8Array | undefined, nowMs: number): void {
    const { state, settings } = this;
    if (state.name !== "proving") return;
    const { publicKey, instance, replace, timeoutMs } = settings;
    this.intents.push({ want: "send", frame: { type: "register", publicKey, registryKey: state.registryKey, proof, instance, workNonce, replace } });
    this.state = { name: "asked", byMs: nowMs + timeoutMs };
  }

  advance(nowMs: number): void {
    const { state } = this;
    if (state.name === "waiting" || state.name === "asked") {
      if (nowMs >= state.byMs) this.fail("registration_timeout");
    } else if (state.name === "registered") {
      if (nowMs >= state.silentByMs) return this.fail("connection_lost");
      if (nowMs < state.pingAtMs) return;
      state.pingAtMs = nowMs + state.keepAliveMs;
      this.intents.push({ want: "send", frame: { type: "ping", t: Math.floor(nowMs) } });
    }
  }

  private challenged({ registryKeys, challenge, workBits = 0 }: ServerFrame & { type: "challenge" }): void {
    if (this.state.name !== "waiting") return this.fail("invalid_frame");
    // The list is not authenticated: it can at most make us use an older pin.
    const registryKey = registryKeys.find((offered) => this.settings.pins.some((pin) => pin.equals(offered)));
    if (registryKey === undefined) return this.fail("unpinned_registry");
    if (workBits > maxWorkBits) return this.fail("too_much_work");
    this.state = { name: "proving", registryKey };
    this.intents.push({ want: "prove", registryKey, challenge, workBits });
  }

  private registered({ publicKey, session, keepAliveS }: ServerFrame & { type: "registered" }, nowMs: number): void {
    if (this.state.name !== "asked" || !publicKey.equals(this.settings.publicKey)) return this.fail("invalid_frame");
    const everyMs = Math.max(minKeepAliveMs, Math.min(keepAliveS * 1000, keepAliveMs));
    this.state = { name: "registered", keepAliveMs: everyMs, pingAtMs: nowMs + everyMs, silentByMs: nowMs + silenceMs };
    this.intents.push({ want: "registered", session });
  }

  private fail(code: RendezvousErrorCode): void {
    this.state = { name: "over" };
    this.intents.push({ want: "fail", code });
  }
}
