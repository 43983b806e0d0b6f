// The chat page in Chromium: two tabs, a tab and a terminal, invitations, what strangers send, and for everybody.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Contacts, Identity, PublicKey } from "flowersec/identity";
import { SecureSocketClient } from "flowersec/rendezvous";
import { openChat, startChat } from "./chat.mjs";
import { outputFolder } from "./demo.mjs";
import { Arrivals, axeFindings, launchBrowser } from "./ownwire.mjs";

let chat;
let browser;

before(async () => {
  [chat, browser] = await Promise.all([startChat(), launchBrowser()]);
});
after(async () => {
  await browser?.close();
  await chat?.stop();
});

const timeout = 120_000;
const fingerprintOf = async (it) => {
  await it.page.getByText("Key and fingerprint").click();
  return it.page.locator(".fingerprint").textContent();
};

test("two tabs talk, and see the same fingerprint", { timeout }, async () => {
  const [a, b] = await Promise.all([openChat(browser, chat.url), openChat(browser, chat.url)]);
  await a.add("Bob", b.key);
  await b.add("Alice", a.key);
  await a.say("hello from one tab");
  await b.hears("hello from one tab");
  await a.delivered("hello from one tab");
  await b.say("two\nlines");
  await a.hears("two\nlines");
  assert.equal(await fingerprintOf(a), await fingerprintOf(b));
  assert.match(await a.page.locator(".fingerprint").textContent(), /^([0-9a-f]{4} ){9}[0-9a-f]{4}$/);
  await a.page.getByLabel("We see the same").check();
  await a.page.locator(".contact .verified").waitFor();
  await a.page.locator(".person .verified").waitFor();
  assert.deepEqual([...a.complaints, ...b.complaints], []);
  await Promise.all([a.context.close(), b.context.close()]);
});

test("a tab and a terminal talk, and neither registry nor tunnel can say what about", { timeout }, async () => {
  const [it, terminal] = await Promise.all([openChat(browser, chat.url), chat.terminal()]);
  await it.add("Terminal", terminal.key);
  await terminal.add("Page", it.key);
  await it.say("the lighthouse at nine");
  assert.equal((await terminal.says("the lighthouse at nine")).from, "Page");
  await it.delivered("the lighthouse at nine");
  terminal.tell({ do: "send", to: "Page", content: "bring the map" });
  await it.hears("bring the map");
  await terminal.heard.find(({ event, state }) => event === "delivery" && state === "delivered");
  await it.page.getByText("What registry and tunnel saw").click();
  await it.page.waitForFunction(() => document.getElementById("saw").textContent.includes("--- Registry"));
  const saw = [await it.page.locator("#saw").textContent(), ...chat.registry.log, ...chat.tunnel.log].join("\n");
  for (const secret of ["lighthouse", "map", it.key, terminal.key]) assert.ok(!saw.includes(secret), secret);
  assert.match(saw, /registry/i);
  assert.deepEqual(it.complaints, []);
  assert.equal(await terminal.stop(), 0);
  await it.context.close();
});

test("an invitation of a terminal is taken out of the address, and brings the page in", { timeout }, async () => {
  const host = await chat.terminal();
  host.tell({ do: "invite", name: "May" });
  const { link } = await host.heard.find(({ event }) => event === "invitation");
  assert.ok(link.startsWith(`${chat.url}#fsi1=`));
  const guest = await openChat(browser, link);
  assert.equal(guest.page.url(), chat.url);
  assert.equal(await guest.page.evaluate(() => location.hash), "");
  await guest.page.locator(".contact .verified").waitFor();
  await guest.say("here I am");
  await guest.delivered("here I am");
  assert.equal((await host.says("here I am")).from, "May");
  assert.deepEqual(guest.complaints, []);
  assert.equal(await host.stop(), 0);
  await guest.context.close();
});

test("a tab and a client in Node talk, whoever calls", { timeout }, async () => {
  for (const first of ["tab", "node"]) {
    const it = await openChat(browser, chat.url);
    const contacts = new Contacts(await Identity.generate());
    await contacts.add(PublicKey.parse(it.key), "Page");
    const heard = new Arrivals();
    const client = await SecureSocketClient.create({
      url: chat.registryUrl, registryKeys: [chat.registryKey], contacts, connect: { origin: chat.origin },
      onMessage: (error, message) => message && heard.add(message.message),
    });
    await it.add("Node", contacts.owner.publicKey.text);
    const fromTab = async () => {
      await it.say("from the tab");
      await heard.find((message) => message === "from the tab");
      await it.delivered("from the tab");
    };
    if (first === "tab") await fromTab();
    await client.send(contacts.find("Page"), "from node");
    await it.hears("from node");
    if (first === "node") await fromTab();
    assert.deepEqual(await it.texts(), first === "tab" ? ["from the tab", "from node"] : ["from node", "from the tab"]);
    assert.deepEqual(it.complaints, []);
    await client.close();
    await it.context.close();
  }
});

test("an invitation of a page brings a terminal in", { timeout }, async () => {
  const [host, guest] = await Promise.all([openChat(browser, chat.url), chat.terminal()]);
  await host.page.getByRole("button", { name: "Make an invitation" }).click();
  await host.page.locator("#link").waitFor();
  guest.tell({ do: "join", link: await host.page.locator("#link").inputValue(), name: "Host" });
  guest.tell({ do: "send", to: "Host", content: "invited" });
  await guest.heard.find(({ event, state }) => event === "delivery" && state === "delivered");
  await host.hears("invited");
  assert.equal(await guest.stop(), 0);
  await host.context.close();
});

test("names, notes and messages of others are inert", { timeout }, async () => {
  const [it, terminal] = await Promise.all([openChat(browser, chat.url), chat.terminal()]);
  const name = "<img src=x onerror=document.title='hit'>";
  await it.add(name, terminal.key);
  await terminal.add("Page", it.key);
  const hostile = "<script>document.title='hit'</script><img src=x onerror=\"document.title='hit'\">\u202egnp.exe\u001b[2J";
  terminal.tell({ do: "send", to: "Page", content: hostile });
  await it.hears("<script>");
  assert.deepEqual(await it.texts(), [hostile.replace("\u202e", "\\u{202e}").replace("\u001b", "\\u{1b}")]);
  assert.equal(await it.page.locator(".contact h2").textContent(), name);
  assert.equal(await it.page.locator("main img, main script").count(), 0);
  terminal.tell({ do: "send", to: "Page", content: { "<b>": ["\u2066"] } });
  await it.hears("{\"<b>\":[\"\\u{2066}\"]}");
  assert.equal(await it.page.title(), "Chat");
  assert.deepEqual(it.complaints, []);
  await terminal.stop();
  await it.context.close();
});

test("a name with another key is a warning, and the known key stays until the other one is taken", { timeout }, async () => {
  const [it, first, second] = await Promise.all([openChat(browser, chat.url), chat.terminal(), chat.terminal()]);
  await it.add("Bob", first.key);
  await it.add("Bob", second.key);
  const warning = it.page.getByRole("alert").filter({ hasText: "Warning: another key" });
  await warning.waitFor();
  assert.ok((await warning.textContent()).includes(first.key));
  assert.deepEqual(await axeFindings(it.page.mainFrame()), []);
  await it.page.screenshot({ path: join(outputFolder("browser"), "chat-warning.png") });
  await it.page.getByRole("button", { name: "Keep the known key" }).click();
  await warning.waitFor({ state: "detached" });
  await it.page.locator(".contact code", { hasText: first.key }).waitFor({ state: "attached" });
  await it.add("Bob", second.key);
  await it.page.getByRole("button", { name: "Take the new key" }).click();
  await it.page.locator(".contact code", { hasText: second.key }).waitFor({ state: "attached" });
  await Promise.all([first.stop(), second.stop()]);
  await it.context.close();
});

test("what was not delivered says why, and is sent again", { timeout }, async () => {
  const it = await openChat(browser, chat.url);
  const terminal = await chat.terminal();
  await it.add("Bob", terminal.key);
  await terminal.add("Page", it.key);
  await it.say("first");
  await it.delivered("first");
  terminal.tell({ do: "block", name: "Page" });
  await terminal.heard.find(({ event, what }) => event === "contact" && what === "blocked");
  await it.page.locator(".marks", { hasText: "online" }).waitFor({ state: "detached" });
  await it.say("second");
  await it.failed("second");
  assert.match(await it.page.locator(".delivery.failed").textContent(), /not delivered: \w+/);
  terminal.tell({ do: "unblock", name: "Page" });
  await it.page.locator(".marks", { hasText: "online" }).waitFor();
  await it.page.getByRole("button", { name: "Send again" }).click();
  await it.delivered("second");
  await terminal.says("second");
  await terminal.stop();
  await it.context.close();
});

test("the identity is kept in a file that the terminal reads, and opened from it", { timeout }, async () => {
  const it = await openChat(browser, chat.url);
  const terminal = await chat.terminal();
  await it.add("Bob", terminal.key);
  await it.page.getByRole("button", { name: "Make an invitation" }).click();
  await it.page.waitForFunction(() => document.querySelector("#link").value !== "");
  const link = await it.page.locator("#link").inputValue();
  await it.page.getByText("Keep this identity").click();
  const [download] = await Promise.all([it.page.waitForEvent("download"), it.page.getByRole("button", { name: "Save to a file" }).click()]);
  const text = readFileSync(await download.path(), "utf8");
  const kept = JSON.parse(text);
  assert.equal(kept.public_key, it.key);
  assert.equal(kept.contacts[0].name, "Bob");
  await it.context.close();
  const again = await openChat(browser, chat.url);
  await again.page.getByText("Keep this identity").click();
  await again.page.locator("#identity-file").setInputFiles({ name: "identity.json", mimeType: "application/json", buffer: Buffer.from(text) });
  await again.page.getByRole("button", { name: "Open", exact: true }).click();
  await again.page.locator("#own-key", { hasText: it.key }).waitFor();
  await again.page.locator(".person", { hasText: "Bob" }).waitFor();
  assert.equal(kept.invitations.length, 1);
  await again.page.locator("#status", { hasText: "registered" }).waitFor();
  const guest = await chat.terminal();
  guest.tell({ do: "join", link, name: "Host" });
  guest.tell({ do: "send", to: "Host", content: "with the link of before" });
  await guest.heard.find(({ event, state }) => event === "delivery" && state === "delivered");
  await Promise.all([terminal.stop(), guest.stop()]);
  await again.context.close();
});

for (const [name, options, query] of [
  ["dark", { colorScheme: "dark" }, ""],
  ["light", { colorScheme: "light" }, ""],
  ["right to left", { colorScheme: "light" }, "?lang=ar"],
  ["narrow", { colorScheme: "dark", viewport: { width: 360, height: 700 } }, ""],
]) {
  test(`axe finds nothing: ${name}`, { timeout }, async () => {
    const [it, terminal] = await Promise.all([openChat(browser, chat.url + query, options), chat.terminal()]);
    assert.deepEqual(await axeFindings(it.page.mainFrame()), []);
    await it.add("Bob", terminal.key);
    await terminal.add("Page", it.key);
    await it.say("hello");
    await it.delivered("hello");
    terminal.tell({ do: "send", to: "Page", content: "hello back" });
    await it.hears("hello back");
    await it.page.getByText("Key and fingerprint").click();
    await it.page.getByText("What registry and tunnel saw").click();
    await it.page.locator("#saw", { hasText: "--- Registry" }).waitFor();
    await it.page.getByText("Keep this identity").click();
    assert.deepEqual(await axeFindings(it.page.mainFrame()), []);
    assert.equal(await it.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
    if (query !== "") assert.equal(await it.page.evaluate(() => getComputedStyle(document.body).direction), "rtl");
    await it.page.screenshot({ path: join(outputFolder("browser"), `chat-${name.replaceAll(" ", "-")}.png`), fullPage: true });
    await terminal.stop();
    await it.context.close();
  });
}

test("everything can be done with the keyboard, and screen readers are told of deliveries", { timeout }, async () => {
  const [it, terminal] = await Promise.all([openChat(browser, chat.url), chat.terminal()]);
  await terminal.add("Page", it.key);
  const { keyboard } = it.page;
  const focused = () => it.page.evaluate(() => document.activeElement.id || document.activeElement.textContent);
  const tabTo = async (wanted) => {
    for (let i = 0; i < 40 && (await focused()) !== wanted; i++) await keyboard.press("Tab");
    assert.equal(await focused(), wanted);
  };
  await tabTo("add-name");
  await keyboard.type("Bob");
  await tabTo("add-key");
  await keyboard.type(terminal.key);
  await keyboard.press("Enter");
  await it.page.locator(".person", { hasText: "Bob" }).waitFor();
  await tabTo("text");
  await keyboard.type("typed");
  await keyboard.press("Enter");
  await terminal.says("typed");
  await it.page.getByRole("status").filter({ hasText: "Delivered" }).waitFor({ state: "attached" });
  await terminal.stop();
  await it.context.close();
});

test("the page's server sends a policy that lets no other code in", { timeout }, async () => {
  const response = await fetch(chat.url);
  const policy = response.headers.get("content-security-policy");
  for (const part of ["default-src 'none'", "script-src 'self'", "require-trusted-types-for 'script'", "frame-ancestors 'none'"]) assert.ok(policy.includes(part), part);
  assert.ok(!/unsafe/.test(policy));
  for (const path of ["nothing", "../package.json", "%2e%2e/package.json"]) assert.equal((await fetch(chat.url + path)).status, 404);
});
