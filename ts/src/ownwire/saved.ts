// What a chat needs to go on in the next page: the session's token, and the texts that nobody has acknowledged.
// Layer ownwire. Whoever has the token has the session; it belongs into this tab's memory and nowhere else.

/** A text on its way. */
export interface SavedText {
  /** As send() gave it. */
  readonly id: number;
  /** Within the session; absent: never sent in it. */
  readonly wireId?: number | undefined;
  readonly content: string;
}

/** One chat. */
export interface SavedChat {
  readonly resumeToken: string;
  readonly sessionId: string;
  /** The last reply that arrived. */
  readonly lastSeq: number;
  /** The last id given to a text, by send() and in the session. */
  readonly lastId: number;
  readonly lastWireId: number;
  readonly texts: readonly SavedText[];
}

/** Where a chat is kept between pages. Neither may throw; what they do throw is ignored. */
export interface OwnwireStorage {
  /** What was saved last; null: nothing. */
  load(): string | null;
  /** null: there is nothing to be kept any more. */
  save(text: string | null): void;
}

const version = 1;
const isCount = (value: unknown, least = 0): value is number => Number.isSafeInteger(value) && (value as number) >= least;

/** Its text. */
export function encodeSaved(chat: SavedChat): string {
  return JSON.stringify({ v: version, ...chat });
}

/** undefined for nothing, and for anything that encodeSaved did not write. */
export function decodeSaved(text: string | null | undefined): SavedChat | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text ?? "null");
  } catch {
    return undefined;
  }
  const { v, resumeToken, sessionId, lastSeq, lastId, lastWireId, texts } = Object(value) as Record<string, unknown>;
  if (v !== version || typeof resumeToken !== "string" || typeof sessionId !== "string") return undefined;
  if (!isCount(lastSeq) || !isCount(lastId) || !isCount(lastWireId) || !Array.isArray(texts)) return undefined;
  const kept = (texts as unknown[]).map((each) => {
    const { id, wireId, content } = Object(each) as Record<string, unknown>;
    const isGood = isCount(id, 1) && id <= lastId && typeof content === "string" && (wireId === undefined || (isCount(wireId, 1) && wireId <= lastWireId));
    return isGood ? { id, content, wireId: wireId as number | undefined } : undefined;
  });
  // Rising, as they were given.
  const isRising = kept.every((each, i) => i === 0 || (each?.id ?? 0) > (kept[i - 1]?.id ?? Infinity));
  if (kept.includes(undefined) || !isRising) return undefined;
  return { resumeToken, sessionId, lastSeq, lastId, lastWireId, texts: kept as SavedText[] };
}
