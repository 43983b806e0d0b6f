// The same service from TypeScript: any RPC client of a session will do for `rpc`.
import { createNotesClient, notifyNotesAdded, registerNotes } from "./gen/acme/notes/v1.rpc.gen.js";
import { type Notifier, type RpcCaller, RpcCallError, type RpcRegistrar } from "./gen/flowersec_runtime.gen.js";

// [call]
export async function addNotes(rpc: RpcCaller, print: (line: string) => void): Promise<void> {
  const notes = createNotesClient(rpc);
  const unsubscribe = notes.onAdded((note) => print(`told of "${note.text}"`));
  const { count } = await notes.add({ text: "milk" }, { timeoutMs: 2_000 });
  print(`${count} note`);
  try {
    await notes.add({ text: "" });
  } catch (error) {
    if (!(error instanceof RpcCallError)) throw error;
    print(`refused with ${error.code}, ${error.message}`);
  } finally {
    unsubscribe();
  }
}
// [call]

// [serve]
export function serveNotes(router: RpcRegistrar, peer: Notifier): void {
  let count = 0;
  registerNotes(router, {
    async add(request) {
      if (request.text === "") throw new RpcCallError(422, "nothing to note");
      await notifyNotesAdded(peer, { text: request.text });
      return { count: ++count };
    },
  });
}
// [serve]
