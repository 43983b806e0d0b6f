// A call whose refusal is an error.
// Layer rpc. Source: PROTOCOL, "RPC errors".

import { RpcCallError, type RpcCaller } from "../gen/flowersec_runtime.gen.js";

/** How a typed call reads its answer, and how it may be given up. */
export interface CallTypedOptions<Response> {
  /** As RpcClient.call. */
  readonly signal?: AbortSignal | undefined;
  /** Checks the payload and gives it its type, or throws. Absent: the payload is taken as it is. */
  readonly assert?: ((payload: unknown) => Response) | undefined;
}

/** The payload of the response. Errors: RpcCallError when the peer refused, what `assert` throws, those of RpcClient.call. */
export async function callTyped<Response = unknown>(
  rpc: Pick<RpcCaller, "call">,
  typeId: number,
  request: unknown,
  options: CallTypedOptions<Response> = {},
): Promise<Response> {
  const { payload, error } = await rpc.call(typeId, request, options.signal);
  if (error) throw new RpcCallError(error.code, error.message ?? "", typeId);
  return options.assert === undefined ? (payload as Response) : options.assert(payload);
}
