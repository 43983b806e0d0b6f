// The steps of a case, played with the WebSocket of Chromium.
import { createRequire } from "node:module";
import { join } from "node:path";

/** A page that plays cases against a URL; undefined when there is no Chromium. */
export async function openPage(root, executablePath) {
  const { chromium } = createRequire(join(root, "ts", "at.js"))("playwright-core");
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"] });
  const page = await browser.newPage();
  return { play: (url, each) => page.evaluate(playInPage, [url, each]), close: () => browser.close() };
}

/* Runs in the page: it knows nothing but its arguments. */
async function playInPage([url, { does }]) {
  const payloadOf = ({ size, repeats }) => {
    if (repeats !== undefined) return "aé€😀".repeat(repeats);
    return Uint8Array.from({ length: size }, (_, i) => i * 7 + (i >> 8));
  };
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  const ended = new Promise((resolve) => socket.addEventListener("close", ({ code, reason }) => resolve(`closed ${code === 1005 ? "-" : code} ${reason}`.trim())));
  const opened = new Promise((resolve) => socket.addEventListener("open", () => resolve("open"), { once: true }));
  if ((await Promise.race([opened, ended])) !== "open") return "not opened";
  const same = (a, b) => (typeof a === "string" ? a === b : b instanceof ArrayBuffer && a.length === b.byteLength && new Uint8Array(b).every((byte, i) => byte === a[i]));
  const seen = [];
  for (const step of does) {
    let outcome;
    if (step.back) {
      const payload = payloadOf(step.back);
      const answer = new Promise((resolve) => socket.addEventListener("message", ({ data }) => resolve(same(payload, data) ? "back" : "something else"), { once: true }));
      socket.send(payload);
      outcome = await Promise.race([answer, ended]);
    } else if (step.close) {
      socket.close(...step.close);
      outcome = await ended;
    } else {
      socket.send(`close ${step.ask.join(" ")}`);
      outcome = await ended;
    }
    seen.push(outcome);
    if (outcome.startsWith("closed")) break;
  }
  return seen.join(", ");
}
