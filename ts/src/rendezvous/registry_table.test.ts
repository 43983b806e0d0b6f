// The cases of testdata/rendezvous/registry.json, which C++ runs as well: what a registry says and does.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Identity, type PublicKey } from "../identity/index.js";
import { drain } from "../testing/intents.js";
import { readSharedJson } from "../testing/repository.js";
import { decodeClientFrame, encodeClientFrame, type ServerFrame } from "./frames.js";
import { registryDefaults } from "./limits.js";
import { RegistryMachine, type RegisterFrame } from "./registry_machine.js";
import { ticketOf, type ChannelTicket } from "./ticket.js";

interface Step {
  readonly arrive?: number;
  readonly open?: number;
  readonly join?: number;
  readonly key?: string;
  readonly instance?: number;
  readonly replace?: boolean;
  readonly behind?: readonly string[];
  readonly say?: number;
  readonly text?: string;
  readonly leave?: number;
  readonly pass_ms?: number;
  readonly hears: Readonly<Record<string, readonly string[]>>;
}

const registryKey = (await Identity.generate()).publicKey;
const keys = new Map<string, PublicKey>();
for (const letter of "ABCD") keys.set(letter, (await Identity.generate()).publicKey);
const ticket = (role: 1 | 2) =>
  ticketOf({ tunnel_url: "wss://t/ws", channel_id: "c", channel_init_expire_at_unix_s: 1, idle_timeout_seconds: 1, role, token: "t", allowed_suites: [1], default_suite: 1 }) as ChannelTicket;
const grants = { client: ticket(1), server: ticket(2) };

class World {
  private names = 0;
  private call = "";
  private now = 0;
  private heard: Record<string, string[]> = {};
  private readonly machine = new RegistryMachine({
    keys: [registryKey], limits: registryDefaults, workBits: undefined, random: (n) => new Uint8Array(n), name: () => `n${++this.names}`, hasRoom: () => true,
  });

  /** Everything that each socket hears of it. */
  take(step: Step): Record<string, string[]> {
    this.heard = {};
    const { arrive, open, join, say, leave, pass_ms } = step;
    const arriving = arrive ?? open ?? join;
    if (arriving !== undefined) assert.ok(this.machine.arrived(arriving, `10.0.0.${arriving}`, this.now));
    if (open !== undefined) this.machine.opened(open, this.now);
    if (join !== undefined) this.join(join, step);
    if (say !== undefined) this.machine.text(say, this.textOf(step.text ?? ""), this.now);
    if (leave !== undefined) this.machine.closed(leave);
    if (pass_ms !== undefined) this.pass(pass_ms);
    this.perform();
    return this.heard;
  }

  private join(id: number, { key = "", instance = 100 + id, replace = false, behind = [] }: Step): void {
    this.machine.opened(id, this.now);
    drain(this.machine);
    const frame: RegisterFrame = { type: "register", publicKey: keys.get(key) as PublicKey, registryKey, proof: new Uint8Array(32), instance: new Uint8Array(16).fill(instance), replace };
    assert.deepEqual(decodeClientFrame(encodeClientFrame(frame)).type, "register");
    this.machine.text(id, encodeClientFrame(frame), this.now);
    for (const text of behind) this.machine.text(id, this.textOf(text), this.now); // it is judged behind them, by take()
  }

  /** On to this time, through every deadline on the way. */
  private pass(ms: number): void {
    const end = this.now + ms;
    for (let next = this.machine.deadline; next !== undefined && next <= end; next = this.machine.deadline) {
      this.now = next;
      this.machine.advance(this.now);
      this.perform();
    }
    this.now = end;
  }

  private perform(): void {
    for (let next = this.machine.pollIntent(); next !== undefined; next = this.machine.pollIntent()) {
      if (next.want === "send") this.hear(next.connection, this.wordOf(next.frame));
      else if (next.want === "close") this.hear(next.connection, `close ${next.code}`);
      else if (next.want === "cut") this.hear(next.connection, "cut");
      else if (next.want === "verify") this.machine.verified(next.connection, undefined, next.frame, this.now);
      else if (next.want === "mint") this.machine.calls.minted(next.call.callId, grants);
    }
  }

  private hear(id: number, word: string): void {
    (this.heard[id] ??= []).push(word);
  }

  private textOf(told: string): string {
    return [...keys].reduce((text, [letter, key]) => text.replaceAll(`$${letter}`, key.text), told).replaceAll("$call", this.call);
  }

  private wordOf(frame: ServerFrame): string {
    switch (frame.type) {
      case "incoming":
        this.call = frame.callId;
        return `incoming ${letterOf(frame.from)}`;
      case "presence":
        return `presence ${letterOf(frame.key)} ${frame.online}`;
      case "pong":
        return `pong ${frame.t}`;
      case "grant":
        return `grant rid ${frame.rid}`;
      case "error":
        return `error ${frame.code}${frame.rid === undefined ? "" : ` rid ${frame.rid}`}${frame.fatal ? " fatal" : ""}`;
      default:
        return frame.type;
    }
  }
}

const letterOf = (key: PublicKey): string => [...keys].filter(([, each]) => each.equals(key)).map(([letter]) => `$${letter}`).join();

const { cases } = readSharedJson("testdata/rendezvous/registry.json") as { cases: { name: string; steps: Step[] }[] };
for (const { name, steps } of cases) {
  test(`the shared table: ${name}`, () => {
    const world = new World();
    for (const step of steps) assert.deepEqual(world.take(step), step.hears, JSON.stringify(step));
  });
}
