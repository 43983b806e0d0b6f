// Calls of unknown people: the application is asked about each, and has a while for its answer.
// Layer rendezvous. Told the time. Source: SECURE_WEBSOCKET, "Calls".

import { quietly } from "../base/index.js";
import type { Contact, Contacts } from "../identity/index.js";
import { maxOpenQuestions, questionMs } from "./limits.js";
import type { IncomingCall } from "./options.js";
import type { IncomingFrame } from "./peer_host.js";

interface Question {
  readonly registry: number;
  readonly frame: IncomingFrame;
  readonly byMs: number;
}

/** What becomes of a call. */
export interface QuestionHost {
  readonly contacts: Contacts;
  nowMs(): number;
  answer(registry: number, frame: IncomingFrame): void;
  decline(registry: number, callId: string): void;
  /** There is a new contact. */
  added(): void;
}

export class Questions {
  /** By key: one of each. */
  readonly #open = new Map<string, Question>();

  constructor(private readonly host: QuestionHost) {}

  /** Tells `onIncoming`, unless too much is open. */
  ask(registry: number, registryUrl: string, frame: IncomingFrame, onIncoming: (call: IncomingCall) => void): void {
    const { from, note, callId } = frame;
    const nowMs = this.host.nowMs();
    for (const [key, { byMs }] of this.#open) if (nowMs >= byMs) this.#open.delete(key);
    if (this.#open.has(from.text) || this.#open.size >= maxOpenQuestions) return;
    const question: Question = { registry, frame, byMs: nowMs + questionMs };
    this.#open.set(from.text, question);
    const isOpen = () => this.#open.get(from.text) === question && this.#open.delete(from.text) && this.host.nowMs() < question.byMs;
    quietly(() => onIncoming({
      from, note, registryUrl,
      accept: async (name): Promise<Contact> => {
        const contact = this.host.contacts.get(from) ?? (await this.host.contacts.add(from, name));
        if (isOpen()) this.host.answer(registry, frame);
        this.host.added();
        return contact;
      },
      decline: () => {
        if (isOpen()) this.host.decline(registry, callId);
      },
    }));
  }

  /** The caller has given up. */
  cancelled(registry: number, callId: string): void {
    this.#forget((each) => each.registry === registry && each.frame.callId === callId);
  }

  /** A registry is gone, and its calls. */
  gone(registry: number): void {
    this.#forget((each) => each.registry === registry);
  }

  #forget(which: (question: Question) => boolean): void {
    for (const [key, question] of this.#open) if (which(question)) this.#open.delete(key);
  }
}
