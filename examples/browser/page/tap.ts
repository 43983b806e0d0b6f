// A look at what leaves and enters the page: every WebSocket message, as the tunnel sees it. The library is not touched; the
// page's own WebSocket class is, before the first connection.

/** One binary WebSocket message. */
export interface SeenMessage {
  readonly direction: "sent" | "received";
  /** Bytes of the whole message. */
  readonly length: number;
  /** Its beginning. */
  readonly head: Uint8Array;
}

const keptBytes = 256;
const watchers = new Set<(message: SeenMessage) => void>();

function tell(direction: SeenMessage["direction"], data: unknown): void {
  if (watchers.size === 0 || typeof data === "string") return;
  const bytes = ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data as ArrayBuffer);
  const message = { direction, length: bytes.length, head: bytes.slice(0, keptBytes) };
  for (const watcher of watchers) watcher(message);
}

class TappedWebSocket extends WebSocket {
  constructor(url: string | URL, protocols?: string | string[]) {
    super(url, protocols);
    super.addEventListener("message", ({ data }) => tell("received", data));
  }

  override send(data: Parameters<WebSocket["send"]>[0]): void {
    tell("sent", data);
    super.send(data);
  }
}

/** From now on, new WebSockets of this page are watched. */
export function installTap(): void {
  globalThis.WebSocket = TappedWebSocket;
}

/** Watches one direction while `work` runs; gives the longest record seen, which carried the most of what `work` said. */
export async function longestRecordDuring<T>(direction: SeenMessage["direction"], work: () => Promise<T>): Promise<{ result: T; record: SeenMessage | undefined }> {
  let record: SeenMessage | undefined;
  const watcher = (message: SeenMessage) => {
    if (message.direction === direction && message.length > (record?.length ?? 0)) record = message;
  };
  watchers.add(watcher);
  try {
    return { result: await work(), record };
  } finally {
    watchers.delete(watcher);
  }
}
