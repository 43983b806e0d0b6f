// The checks of options, and what a policy says of an address.
// Layer endpoint. Clients load it when an option is given that has one, and for URLs that are not the usual case; so that it is all they load then, it is given what
// they have already and imports nothing. Source: PROTOCOL, "Connection lifecycle".

import type { checkedLimits } from "../record/index.js";
import type { resolveWebSocketLimits } from "../ws/limits.js";
import type { checkYamuxLimits } from "../yamux/index.js";
import type { Liveness } from "../session/index.js";
import type { AnyOptions } from "./options.js";

export { askPolicy } from "./authority.js";

/** Most that all windows of a session may grow by. */
const mostWideWindowSessionBytes = 2 ** 30;

/** The checks of the layers below. */
export interface LimitChecks {
  checkedLimits: typeof checkedLimits;
  resolveWebSocketLimits: typeof resolveWebSocketLimits;
  checkYamuxLimits: typeof checkYamuxLimits;
}

/** Throws an Error for the first that makes no sense: times, features, sizes, limits. checkLiveness is for the rest. */
export function checkOptions(options: AnyOptions, checks: LimitChecks): void {
  const all = (names: readonly (keyof AnyOptions)[], isGood: (value: number) => boolean, kind: string) => {
    for (const name of names) {
      const value = (options[name] ?? 0) as number;
      if (!isGood(value) || value < 0) throw new RangeError(`${name} must be ${kind} >= 0`);
    }
  };
  all(["connectTimeoutMs", "handshakeTimeoutMs", "handshakeClockSkewMs"], Number.isFinite, "a number");
  all(["clientFeatures", "serverFeatures"], (value) => value >>> 0 === value, "a u32");
  all(["maxHandshakePayload", "maxRecordBytes", "maxBufferedBytes", "maxOutboundBufferedBytes"], Number.isSafeInteger, "an integer");
  const policy = options.transportSecurityPolicy ?? "require_tls";
  if (typeof policy !== "function" && policy !== "require_tls" && policy !== "allow_plaintext_for_loopback") throw new RangeError("no such transportSecurityPolicy");
  checks.checkedLimits(options);
  checks.resolveWebSocketLimits(options.webSocketLimits);
  const { wideWindowSessionBytes } = checks.checkYamuxLimits(options.yamuxLimits);
  if (wideWindowSessionBytes > mostWideWindowSessionBytes) throw new RangeError(`wideWindowSessionBytes must be at most ${mostWideWindowSessionBytes}`);
}

/** Options with defaults; `derived` where nothing is said, `none` for false. Throws RangeError for what is no time. */
export function checkLiveness(given: AnyOptions["liveness"], derived: Liveness, none: Liveness): Liveness {
  if (given === undefined) return derived;
  if (given === false) return none;
  if (typeof given !== "object") throw new RangeError("liveness must be false or an object");
  const { intervalMs = 0 } = given;
  const { timeoutMs = intervalMs > 0 ? Math.min(none.timeoutMs, intervalMs) : none.timeoutMs } = given;
  const good = Number.isFinite(intervalMs) && intervalMs >= 0 && Number.isFinite(timeoutMs) && timeoutMs > 0;
  if (!good) throw new RangeError("bad liveness");
  return { intervalMs, timeoutMs };
}
