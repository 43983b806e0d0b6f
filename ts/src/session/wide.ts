// Wide windows, where both sides of a handshake have offered them. What makes ours grow is loaded when a stream earns credit.
// Layer session. Source: PROTOCOL, "Wide windows".

import type { SecureChannel } from "../e2ee/index.js";
import type { WideWindows, YamuxLimits } from "../yamux/index.js";

/** The bit of the feature words. */
const wideWindows = 0x0001_0000;

/** The feature bits to offer: those given, and wide windows unless nothing is set aside for them. */
export function offeredFeatures(given = 0, limits?: YamuxLimits): number {
  return (given | (limits?.wideWindowSessionBytes === 0 ? 0 : wideWindows)) >>> 0;
}

/** What a session on the channel is given. Without what it loads no window grows, which is slower and no less correct. */
export function wideOf(channel: SecureChannel): WideWindows | undefined {
  const wide: WideWindows = {
    tune: (_, { limits }) => void import("../yamux/wide_windows.js").then(({ begin }) => begin(wide, channel, limits), () => {}),
  };
  return channel.commonFeatures & wideWindows ? wide : undefined;
}
