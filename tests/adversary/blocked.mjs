// Whether a program can still write to us, and has done all that it can: by what the kernel knows of the connection and of the program.
import { readdirSync, readFileSync } from "node:fs";
import { patienceMs } from "./connection.mjs";

/** Looks that must find it asleep while nothing changes, and what is between them. */
const looks = 6;
const betweenLooksMs = 40;

const port = (number) => number.toString(16).toUpperCase().padStart(4, "0");

/** The other end of a connection to this machine: bytes that it has given to the kernel and we have not taken, and bytes of ours that it has not read. */
function otherEnd({ localPort, remotePort }) {
  for (const line of readFileSync("/proc/net/tcp", "latin1").split("\n")) {
    const [, local, remote, , queues] = line.trim().split(/\s+/);
    if (!local?.endsWith(`:${port(remotePort)}`) || !remote.endsWith(`:${port(localPort)}`)) continue;
    const [unsent, unread] = queues.split(":").map((text) => Number.parseInt(text, 16));
    return { unsent, unread };
  }
  throw new Error("no connection to the other side");
}

/** Whether no thread of a program has anything to do at this moment, or waits for a processor to do it. */
function sleeps(pid) {
  const tasks = `/proc/${pid}/task`;
  try {
    return readdirSync(tasks).every((task) => readFileSync(`${tasks}/${task}/stat`, "latin1").split(") ")[1].startsWith("S"));
  } catch {
    return false; // a thread ended just now
  }
}

/** Until it has read all that we said, sleeps whenever we look, and could not say it all: we take nothing, and its kernel takes nothing. Resolves to the bytes that
 * are in there. */
export async function untilBlocked({ socket }, pid) {
  const until = Date.now() + patienceMs;
  for (let asleep = 0, before = 0; ; await new Promise((resolve) => setTimeout(resolve, betweenLooksMs))) {
    const { unsent, unread } = otherEnd(socket);
    if (unsent === 0 || unsent !== before || unread > 0 || socket.writableLength > 0) asleep = 0;
    else if (sleeps(pid)) asleep++; // some look now and then whether the network takes something
    if (asleep === looks) return unsent;
    if (Date.now() > until) throw new Error(`it is not blocked: ${unsent} bytes are unsent, ${unread} unread, ${socket.writableLength} unsaid`);
    before = unsent;
  }
}
