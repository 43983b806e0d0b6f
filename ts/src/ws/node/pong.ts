// What a peer's pings are answered with: one pong on its way, and behind it the answer to the latest.
// Layer ws, Node only. WebSockets of the `ws` package answer every ping and count the answers that have not left: at its `maxPendingAutoPongs`, 60, they cut the
// connection, which pings that arrive together reach however fast the peer reads. So the answering is taken from them, by the name of their flag; it is their own
// when the flag is not there, and the application's when it is off. Source: PROTOCOL, "Ping, pong, close"; RFC 6455, 5.5.3.

interface Answering {
  /** Of `ws`; set unless its owner answers pings. */
  _autoPong?: boolean;
  readonly readyState: number;
  pong(data: Uint8Array, mask: undefined, sent: () => void): void;
  on(event: "ping", listener: (data: Uint8Array) => void): unknown;
}

const openState = 1;

/** Once for each socket; the second time it has no effect. */
export function answerPings(socket: object): void {
  const it = socket as Answering;
  if (it._autoPong !== true || typeof it.pong !== "function") return;
  it._autoPong = false;
  let isUnderWay = false;
  let latest: Uint8Array | undefined;
  const answer = (data: Uint8Array | undefined) => {
    isUnderWay = data !== undefined && it.readyState === openState;
    if (data === undefined || !isUnderWay) return;
    it.pong(data, undefined, () => {
      const next = latest;
      latest = undefined;
      answer(next);
    });
  };
  it.on("ping", (data) => (isUnderWay ? (latest = data) : answer(data)));
}
