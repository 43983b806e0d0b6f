// What an endpoint is told to serve with, looked at before it dials: no attempt would mend what is wrong here.
// Layer reconnect.

import { fromUtf8, maxEndpointIdBytes, trimmed, utf8 } from "../base/index.js";
import * as checks from "../endpoint/check_options.js";
import { checkInfo } from "../endpoint/inputs.js";
import { checkOrigin, filled, invalidOption, type DialOptions } from "../endpoint/options.js";
import { noLiveness } from "../session/index.js";
import type { ServeEndpointOptions } from "./serve_endpoint.js";

const callbacks = ["onRegistered", "onClientFailed", "onGrantDropped"] as const;

/** The endpoint's id, trimmed. Errors: validate/invalid_option, missing_origin, and those of the credential, as connectDirect has them. */
export async function checkServing(options: ServeEndpointOptions): Promise<string> {
  const { credential, endpointId, dial, attach, serve, maxSessions = 1 } = options;
  const refuse = (message: string) => invalidOption("direct", message);
  const id = trimmed(endpointId);
  const bytes = utf8(id);
  if (bytes.length < 1 || bytes.length > maxEndpointIdBytes || fromUtf8(bytes) !== id) throw refuse(`endpointId must be a text of 1 to ${maxEndpointIdBytes} bytes`);
  if (typeof serve !== "function") throw refuse("serve must be a function");
  for (const name of callbacks) if (options[name] !== undefined && typeof options[name] !== "function") throw refuse(`${name} must be a function`);
  if (!Number.isSafeInteger(maxSessions) || maxSessions < 1) throw refuse("maxSessions must be at least 1");
  const toControl = { ...dial } as DialOptions;
  filled("direct", toControl, noLiveness, checks);
  checkOrigin("direct", toControl.origin);
  filled("tunnel", { ...toControl, ...attach }, noLiveness, checks);
  const { psk } = await checkInfo(credential);
  psk.fill(0);
  return id;
}
