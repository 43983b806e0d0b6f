// Both pages in a real Chromium: every button, every result. Anything that a page or its console complains about fails.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { chromium } from "playwright-core";
import { outputFolder, startDemo } from "./demo.mjs";

const chromiumPath = process.env.FLOWERSEC_CHROMIUM ?? "/usr/bin/chromium";
const chromiumFlags = [
  "--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
];
const stepTimeoutMs = 30_000;
const timeout = 180_000;
const message = "Meet me at the old lighthouse at nine.";

let demo;
let browser;
const screenshots = outputFolder("browser");

before(async () => {
  demo = await startDemo(); // the browser second: a failure leaves nothing behind
  browser = await chromium.launch({ executablePath: chromiumPath, args: chromiumFlags });
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

/** A fresh page, and what went wrong on it so far. */
async function open(url) {
  const context = await browser.newContext({ viewport: { width: 1100, height: 1250 }, acceptDownloads: true });
  const page = await context.newPage();
  page.setDefaultTimeout(stepTimeoutMs);
  const complaints = [];
  page.on("console", (entry) => ["error", "warning"].includes(entry.type()) && complaints.push(`console: ${entry.text()}`));
  page.on("pageerror", (error) => complaints.push(`page: ${error.stack}`));
  page.on("requestfailed", (request) => complaints.push(`request: ${request.url()} ${request.failure()?.errorText}`));
  page.on("response", (response) => response.status() >= 400 && complaints.push(`response: ${response.status()} ${response.url()}`));
  await page.goto(url);
  /** Waits until an output says something. */
  const says = async (id, text) => {
    const found = page.locator(`#${id}`).filter({ hasText: text });
    await found.waitFor().catch(async () => assert.fail(`#${id} says ${JSON.stringify(await page.locator(`#${id}`).textContent())}, not ${text}\n${complaints.join("\n")}`));
    return found.textContent();
  };
  const connect = async () => {
    await page.click("#fetch");
    await says("status", "ready");
    await page.click("#connect");
    await says("status", "connected");
  };
  return { context, page, complaints, says, connect };
}

for (const path of ["tunnel", "direct"]) {
  describe(`the ${path} page`, { timeout }, () => {
    let it;
    before(async () => {
      it = await open(demo.ready[`browser_${path}_url`]);
    });
    after(() => it.context.close());

    test("connects with what it fetched, which is used up then", async () => {
      await it.connect();
      assert.equal(await it.says("status", "connected"), `connected (${path})`);
      assert.equal(await it.page.isDisabled("#connect"), true);
    });

    test("calls, and hears a notification", async () => {
      await it.page.click("#ping");
      assert.equal(await it.says("rpc-response", "rpc response"), 'rpc response: {"ok":true}');
      assert.equal(await it.says("rpc-notify", "rpc notify"), 'rpc notify: {"hello":"world"}');
    });

    test("echoes over a stream", async () => {
      await it.page.click("#echo");
      assert.equal(await it.says("echo-response", "echo response"), 'echo response: "hello over yamux stream: echo"');
    });

    test("shows the message, and beside it a record that hides it", async () => {
      await it.page.fill("#echo-text", message);
      await it.page.click("#echo");
      await it.says("echo-response", message);
      const bytes = async (id) => {
        const rows = (await it.page.locator(id).textContent()).split("\n").filter((row) => !row.startsWith("…"));
        return Buffer.from(rows.map((row) => row.slice(0, 48).replaceAll(" ", "")).join(""), "hex");
      };
      assert.equal((await bytes("#seen-plain")).toString(), message);
      const record = await bytes("#seen-record");
      assert.equal(record.subarray(0, 4).toString(), "FSEC");
      assert.ok(record.length > message.length + 18, `${record.length} bytes`);
      assert.equal(record.includes(Buffer.from(message.slice(0, 4))), false);
    });

    test("uploads a file, and downloads the same bytes", async () => {
      const file = Buffer.alloc(3_000_001, "flowersec ");
      await it.page.setInputFiles("#file", { name: "notes.bin", mimeType: "application/octet-stream", buffer: file });
      await it.page.click("#upload");
      const told = await it.says("upload-result", "uploaded");
      assert.equal(told, `uploaded notes.bin: ${file.length} bytes, SHA-256 ${createHash("sha256").update(file).digest("hex")}`);
      assert.deepEqual(await it.page.$eval("#upload-progress", ({ value, max }) => [value, max]), [file.length, file.length]);

      await it.page.click("#download");
      assert.equal(await it.says("download-result", "downloaded"), `downloaded notes.bin: ${file.length} bytes, the same bytes as were uploaded`);
      assert.deepEqual(await it.page.$eval("#download-progress", ({ value, max }) => [value, max]), [file.length, file.length]);
      const [saved] = await Promise.all([it.page.waitForEvent("download"), it.page.click("#save")]);
      assert.equal(saved.suggestedFilename(), "notes.bin");
      assert.deepEqual(readFileSync(await saved.path()), file);
    });

    test("changes keys, and goes on", async () => {
      await it.page.click("#rekey");
      await it.says("session-result", "rekey");
      await it.page.fill("#echo-text", "after the rekey");
      await it.page.click("#echo");
      assert.equal(await it.says("echo-response", "after"), 'echo response: "after the rekey"');
    });

    test("measures a round trip", async () => {
      await it.page.click("#rtt");
      assert.match(await it.says("session-result", "rtt"), /^rtt: \d+\.\d\d ms$/);
    });

    test("every control has a name that assistive technology can read", async () => {
      const nameless = await it.page.$$eval("button, input, progress, a[href], pre", (all) =>
        all.filter((each) => {
          const labelled = each.getAttribute("aria-labelledby");
          const name = each.getAttribute("aria-label") ?? (labelled && document.getElementById(labelled)?.textContent) ?? each.labels?.[0]?.textContent ?? each.textContent;
          return !name?.trim();
        }).map((each) => each.id));
      assert.deepEqual(nameless, []);
    });

    test("closes, and connects again with a fresh artifact", async () => {
      await it.page.screenshot({ path: join(screenshots, `${path}.png`), fullPage: true });
      await it.page.click("#close");
      await it.says("status", "closed");
      assert.equal(await it.page.isDisabled("#ping"), true);
      await it.connect();
      await it.page.click("#close");
    });

    test("nothing complained", () => assert.deepEqual(it.complaints, []));
  });
}

test("a page goes on when the control plane is killed, and connects again when the tunnel was", { timeout }, async () => {
  const its = await startDemo();
  const it = await open(its.ready.browser_tunnel_url);
  const kill = async (name) => {
    const status = await (await fetch(`${its.ready.origin}/__demo/status`)).json();
    process.kill(status[name].pid, "SIGKILL");
  };
  try {
    await it.connect();
    const registeredAgain = its.says(/^server: registered as server-1$/);
    await kill("controlplane");
    await it.page.click("#ping");
    assert.equal(await it.says("rpc-response", "rpc response"), 'rpc response: {"ok":true}');
    await registeredAgain;

    const tunnelAgain = its.says(/^tunnel: .* started again$/);
    await kill("tunnel");
    await it.says("status", "the connection ended");
    await tunnelAgain;
    await it.connect();
    await it.page.fill("#echo-text", message);
    await it.page.click("#echo");
    await it.says("echo-response", message);
    assert.deepEqual(it.complaints, []);
  } finally {
    await it.context.close();
    assert.equal(await its.stop(), 0);
  }
});

test("a page whose network goes away says so", { timeout }, async () => {
  const lonely = await startDemo("--no-tunnel");
  const it = await open(lonely.ready.browser_direct_url);
  try {
    await it.connect();
    assert.equal(await lonely.stop(), 0);
    assert.match(await it.says("status", "the connection ended"), /: close: not_connected$/);
    assert.equal(await it.page.isDisabled("#ping"), true);
  } finally {
    await it.context.close();
    await lonely.stop();
  }
});
