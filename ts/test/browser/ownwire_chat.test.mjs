// The widget with the real gateway and a real internal client: what is written arrives, on both sides, also after a reload.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { embedding, launchBrowser, openPage, startBackend, startGateway, startSite, watch, widgetOf } from "./ownwire.mjs";

let gateway;
let browser;
let backend;
let site;
let lonely; // it takes half a minute until nobody has answered

before(async () => {
  gateway = await startGateway("--allow-origin", "localhost");
  backend = await startBackend(gateway, { answer: ({ content }) => (content.startsWith("echo ") ? [content.slice(5)] : []) });
  site = await startSite({});
  browser = await launchBrowser();
  const its = await startGateway("--allow-origin", "localhost");
  site.pages["/lonely"] = embedding(its, { ws_url: its.wsUrl, widget_origin: its.origin });
  lonely = { its, it: await openPage(browser, `${site.origin}/lonely`) };
  await lonely.it.open();
  await lonely.it.type("anybody there?");
});
after(async () => {
  await browser?.close();
  await site?.stop();
  await backend?.stop();
  assert.equal(await gateway?.stop(), 0);
});

const timeout = 120_000;
/** A page of its own name with the widget: options are those of the stated example, and `more`. */
function pageWith(name, more = {}) {
  site.pages[`/${name}`] = embedding(gateway, { ws_url: gateway.wsUrl, metadata: `username:${name}`, title: "Ask us", widget_origin: gateway.origin, widget_path: "/", ...more });
  return `${site.origin}/${name}`;
}

test("a text reaches the internal client with its metadata, the reply reaches the page", { timeout }, async () => {
  const it = await openPage(browser, pageWith("first"));
  assert.equal(await it.launcher.textContent(), "Ask us");
  await it.open();
  await it.type("echo hello <b>there</b> & \u{1f44b}");
  const heard = await backend.hears("echo hello <b>there</b> & \u{1f44b}");
  assert.deepEqual(Object.keys(heard).sort(), ["content", "metadata", "session_id"]);
  assert.equal(heard.metadata, "username:first");
  await it.has(".message.reply", "hello");
  assert.deepEqual(await it.messages(), ["user: echo hello <b>there</b> & \u{1f44b}", "reply: hello <b>there</b> & \u{1f44b}"]);
  await it.has(".state", "Delivered");
  assert.deepEqual(it.complaints, []);
  await it.context.close();
});

test("the demo page works as it is", { timeout }, async () => {
  const it = await openPage(browser, `${gateway.origin}/embed_example.html`);
  await it.open();
  await it.type("echo from the demo page");
  await it.has(".message.reply", "from the demo page");
  assert.equal((await backend.hears("echo from the demo page")).metadata, "username:user1");
  assert.deepEqual(it.complaints, []);
  await it.context.close();
});

test("the chat page in a window of its own talks to its gateway", { timeout }, async () => {
  const it = await openPage(browser, `${gateway.origin}/`);
  await it.page.fill("textarea", "echo alone");
  await it.page.press("textarea", "Enter");
  await it.page.locator(".message.reply", { hasText: "alone" }).waitFor();
  assert.equal(await it.page.locator(".minimize").count(), 0);
  assert.deepEqual(it.complaints, []);
  await it.context.close();
});

test("nothing connects before the widget is opened", { timeout }, async () => {
  const it = await openPage(browser, "about:blank");
  const sockets = [];
  it.page.on("websocket", (socket) => sockets.push(socket.url()));
  await it.page.goto(pageWith("lazy"));
  await it.chat.locator("textarea").waitFor({ state: "attached" });
  assert.deepEqual(sockets, []);
  await it.open();
  await it.type("echo now");
  await it.has(".message.reply", "now");
  assert.equal(sockets.length, 1);
  await it.context.close();
});

test("two browsers and one internal client: each reply to its own", { timeout }, async () => {
  const [one, two] = await Promise.all(["one", "two"].map((name) => openPage(browser, pageWith(name))));
  for (const it of [one, two]) await it.open();
  await one.type("I am one");
  await two.type("I am two");
  const [first, second] = await Promise.all([backend.hears("I am one"), backend.hears("I am two")]);
  assert.notEqual(first.session_id, second.session_id);
  backend.reply("00000000-0000-4000-8000-000000000000", "to nobody");
  backend.reply(second.session_id, "hello two");
  backend.reply(first.session_id, "hello one");
  await Promise.all([one.has(".message.reply", "hello one"), two.has(".message.reply", "hello two")]);
  assert.deepEqual(await one.messages(), ["user: I am one", "reply: hello one"]);
  assert.deepEqual(await two.messages(), ["user: I am two", "reply: hello two"]);
  await Promise.all([one.context.close(), two.context.close()]);
});

test("a reload keeps session and transcript, and shows what came meanwhile", { timeout }, async () => {
  const it = await openPage(browser, pageWith("reload"));
  await it.open();
  await it.type("before the reload");
  const { session_id } = await backend.hears("before the reload");
  await it.has(".state", "Delivered");
  await it.page.goto("about:blank");
  backend.reply(session_id, "while you were away");
  await it.page.goto(pageWith("reload"));
  await it.has(".message.reply", "while you were away");
  assert.equal(await it.page.locator("ownwire-widget").getAttribute("open"), "", "it was open");
  await it.type("after the reload");
  assert.equal((await backend.hears("after the reload")).session_id, session_id);
  assert.deepEqual(await it.messages(), ["user: before the reload", "reply: while you were away", "user: after the reload"]);
  assert.deepEqual(it.complaints, []);
  await it.context.close();
});

test("with history:false a reload begins anew, and nothing is stored", { timeout }, async () => {
  const it = await openPage(browser, pageWith("forgetful", { history: false }));
  await it.open();
  await it.type("to be forgotten");
  const { session_id } = await backend.hears("to be forgotten");
  assert.equal(await (await it.frame()).evaluate(() => sessionStorage.length), 0);
  await it.page.reload();
  await it.open();
  await it.has(".welcome");
  await it.type("anew");
  assert.notEqual((await backend.hears("anew")).session_id, session_id);
  await it.context.close();
});

test("unread replies are counted on the launcher, also after a change of page", { timeout }, async () => {
  const it = await openPage(browser, pageWith("unread"));
  await it.open();
  await it.type("count for me");
  const { session_id } = await backend.hears("count for me");
  await it.chat.locator("textarea").press("Escape");
  assert.equal(await it.page.evaluate(() => document.activeElement.shadowRoot?.activeElement?.localName), "button", "focus is on the launcher");
  backend.reply(session_id, "one");
  backend.reply(session_id, "two");
  const badge = it.launcher.locator("b", { hasText: "2" });
  await badge.waitFor();
  assert.equal(await it.launcher.getAttribute("aria-label"), "Ask us: 2 unread");
  await it.page.goto(pageWith("unread"));
  await badge.waitFor();
  backend.reply(session_id, "three");
  await it.launcher.locator("b", { hasText: "3" }).waitFor();
  await it.page.keyboard.press("Tab"); // the launcher is the page's only control
  await it.page.keyboard.press("Enter");
  await it.has(".message.reply", "three");
  assert.equal(await it.launcher.locator("b").isHidden(), true);
  assert.equal(await (await it.frame()).evaluate(() => document.activeElement.localName), "textarea");
  await it.context.close();
});

test("a tab that was duplicated takes the session over; the first one may start anew", { timeout }, async () => {
  const it = await openPage(browser, pageWith("duplicate"));
  await it.open();
  await it.type("in the first tab");
  const { session_id } = await backend.hears("in the first tab");
  await it.has(".state", "Delivered");
  const [page] = await Promise.all([it.context.waitForEvent("page"), it.page.evaluate(() => void window.open(location.href))]);
  const complaints = watch(page);
  const other = widgetOf(page);
  await it.has(".status", "goes on in another tab");
  await other.type("in the second tab");
  assert.equal((await backend.hears("in the second tab")).session_id, session_id);
  await it.chat.getByRole("button", { name: "Start a new chat here" }).click();
  await it.type("a new chat in the first");
  assert.notEqual((await backend.hears("a new chat in the first")).session_id, session_id);
  await other.type("still in the second tab");
  assert.equal((await backend.hears("still in the second tab")).session_id, session_id);
  assert.deepEqual([...it.complaints, ...complaints], []);
  await it.context.close();
});

test("dots show after the acknowledgement, and go with the reply", { timeout }, async () => {
  const it = await openPage(browser, pageWith("dots"));
  await it.open();
  assert.equal(await it.chat.locator(".typing-dot").first().isVisible(), false);
  await it.type("are you there?");
  const { session_id } = await backend.hears("are you there?");
  await it.chat.locator(".typing-dot").first().waitFor();
  assert.equal(await it.chat.locator(".typing-dot").count(), 3);
  backend.reply(session_id, "yes");
  await it.has(".message.reply", "yes");
  assert.equal(await it.chat.locator(".typing-dot").first().isVisible(), false);
  await it.context.close();
});

test("Enter sends, Shift+Enter does not, nor does Enter that ends a composition", { timeout }, async () => {
  const it = await openPage(browser, pageWith("keys"));
  await it.open();
  const field = it.chat.locator("textarea");
  await field.pressSequentially("two");
  await field.press("Shift+Enter");
  await field.pressSequentially("lines");
  const frame = await it.frame();
  await frame.evaluate(() => {
    const field = document.querySelector("textarea");
    for (const more of [{ isComposing: true }, { keyCode: 229 }]) field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, ...more }));
  });
  assert.deepEqual(await it.messages(), []);
  await field.press("Enter");
  await backend.hears("two\nlines");
  assert.equal(await field.inputValue(), "");
  await field.press("Enter");
  assert.equal((await it.messages()).length, 1, "an empty text is not sent");
  await it.context.close();
});

test("the page's handle opens, sends, listens and takes the widget away", { timeout }, async () => {
  const it = await openPage(browser, pageWith("handle"));
  await it.page.evaluate(() => {
    window.events = [];
    for (const name of ["open", "close", "sent", "message", "unread"]) chat.on(name, (detail) => events.push([name, detail]));
    chat.setMetadata("username:changed");
    chat.send("echo by the page");
  });
  assert.equal((await backend.hears("echo by the page")).metadata, "username:changed");
  await it.launcher.locator("b", { hasText: "1" }).waitFor();
  await it.page.evaluate(() => chat.open());
  await it.has(".message.reply", "by the page");
  await it.page.evaluate(() => chat.close());
  await it.launcher.waitFor();
  const events = await it.page.evaluate(() => events);
  assert.deepEqual(events.map(([name]) => name), ["sent", "unread", "message", "open", "unread", "close"]);
  assert.doesNotMatch(JSON.stringify(events), /by the page/, "texts stay in the frame");
  await it.page.evaluate(() => {
    window.second = ownwireWidget({ ws_url: location.href.replace(/^http/, "ws"), title: "Second" });
  });
  assert.equal(await it.page.locator("ownwire-widget").count(), 1);
  assert.equal(await it.launcher.textContent(), "Second");
  await it.page.evaluate(() => second.destroy());
  assert.equal(await it.page.locator("ownwire-widget").count(), 0);
  assert.match(await it.page.evaluate(() => {
    try {
      ownwireWidget({ title: "no address" });
    } catch (error) {
      return error.message;
    }
  }), /ws_url/);
  await it.context.close();
});

test("operator and visitor see each other typing, when the backend asks for it", { timeout }, async () => {
  const its = await startGateway("--allow-origin", "localhost");
  const operator = await startBackend(its, { protocol: "ownwire.v2" });
  site.pages["/operator"] = embedding(its, { ws_url: its.wsUrl, widget_origin: its.origin });
  const it = await openPage(browser, `${site.origin}/operator`);
  try {
    await it.open();
    await it.type("hello operator");
    const { session_id } = await operator.heard.find(({ content }) => content === "hello operator");
    operator.send({ type: "typing", session_id, on: false });
    await it.chat.locator(".typing-dot").first().waitFor({ state: "hidden" });
    operator.send({ type: "typing", session_id, on: true });
    await it.chat.locator(".typing-dot").first().waitFor();
    await it.chat.locator("textarea").pressSequentially("hm");
    await operator.heard.find(({ type, on }) => type === "typing" && on === true);
    await it.chat.locator("textarea").fill("");
    await operator.heard.find(({ type, on }) => type === "typing" && on === false);
  } finally {
    await it.context.close();
    await operator.stop();
    await its.stop();
  }
});

test("a gateway that stops: the user reads that the connection is lost, and the text waits", { timeout }, async () => {
  const its = await startGateway("--allow-origin", "localhost");
  site.pages["/stopped"] = embedding(its, { ws_url: its.wsUrl, widget_origin: its.origin });
  const it = await openPage(browser, `${site.origin}/stopped`);
  await it.open();
  await it.type("nobody hears this yet");
  await it.has(".state", "Sent");
  await its.stop();
  await it.has(".status", "Connection lost");
  await it.has(".state", "Sending");
  await it.context.close();
});

test("without a backend the user reads so, and the text can be sent again", { timeout: 120_000 }, async () => {
  const { it, its } = lonely;
  await it.chat.locator(".status", { hasText: "Nobody is available" }).waitFor({ timeout: 90_000 });
  await it.has(".entry.failed", "Not sent");
  const late = await startBackend(its);
  await it.chat.getByRole("button", { name: "Try again" }).click();
  await late.hears("anybody there?");
  await it.has(".state", "Delivered");
  assert.deepEqual(await it.messages(), ["user: anybody there?"]);
  await it.context.close();
  await late.stop();
  await its.stop();
});
