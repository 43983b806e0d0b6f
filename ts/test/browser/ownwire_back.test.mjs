// A page that comes back out of the back/forward cache has what became of the chat on the pages after it. Its frames are looked into from the
// page, whose origin they have: Playwright does not know them again.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { elementScript, embedding, launchBrowser, openPage, startBackend, startGateway, startSite } from "./ownwire.mjs";

let gateway;
let browser;
let backend;
let site;

before(async () => {
  gateway = await startGateway("--allow-origin", "localhost");
  backend = await startBackend(gateway);
  site = await startSite({});
  browser = await launchBrowser({ ignoreDefaultArgs: ["--disable-back-forward-cache"] });
});
after(async () => {
  await browser?.close();
  await site?.stop();
  await backend?.stop();
  assert.equal(await gateway?.stop(), 0);
});

const timeout = 120_000;
/** A page of the site, whose loader builds the frame. */
function pageWith(name, more = {}) {
  site.pages[`/${name}`] = embedding(gateway, { ws_url: gateway.wsUrl, ...more });
  return `${site.origin}/${name}`;
}

/** A tab whose pages say whether they came back, and what is done in their frame. */
async function openTab(url) {
  const it = await openPage(browser, "about:blank");
  const { page } = it;
  await page.addInitScript(() => {
    window.addEventListener("pageshow", ({ persisted }) => (window.cameBack = persisted));
    window.frameDocument = () => document.querySelector("ownwire-widget")?.shadowRoot.querySelector("iframe").contentDocument;
    window.messages = () => [...(frameDocument()?.querySelectorAll(".message") ?? [])].map((each) => `${each.classList.contains("reply") ? "reply" : "user"}: ${each.textContent}`);
  });
  await page.goto(url);
  return {
    ...it,
    shows: (...messages) => page.waitForFunction((wanted) => JSON.stringify(window.messages()) === wanted, JSON.stringify(messages)),
    state: (text) => page.waitForFunction((wanted) => [...window.frameDocument().querySelectorAll(".state")].at(-1)?.textContent.includes(wanted), text),
    async type(text) {
      await page.waitForFunction(() => window.frameDocument()?.querySelector("textarea"));
      await page.evaluate((given) => {
        const field = frameDocument().querySelector("textarea");
        field.value = given;
        field.form.requestSubmit();
      }, text);
    },
    async back() {
      await page.goBack({ waitUntil: "commit" });
      await page.waitForFunction(() => window.cameBack === true);
    },
  };
}

for (const [kind, first, second] of [
  ["of the gateway", () => `${gateway.origin}/embed_example.html?first`, () => `${gateway.origin}/embed_example.html?second`],
  ["of the loader's making", () => pageWith("first"), () => pageWith("second")],
]) {
  test(`a frame ${kind} goes on with the session of the page that was left, and shows its messages`, { timeout }, async () => {
    const it = await openTab(first());
    await it.page.evaluate(() => chat.open());
    await it.type(`first ${kind}`);
    const { session_id } = await backend.hears(`first ${kind}`);
    await it.state("Delivered");
    await it.page.goto(second());
    await it.type(`second ${kind}`);
    assert.equal((await backend.hears(`second ${kind}`)).session_id, session_id);
    backend.reply(session_id, "to the second page");
    await it.shows(`user: first ${kind}`, `user: second ${kind}`, "reply: to the second page");
    await it.back();
    await it.shows(`user: first ${kind}`, `user: second ${kind}`, "reply: to the second page");
    await it.type(`back ${kind}`);
    assert.equal((await backend.hears(`back ${kind}`)).session_id, session_id);
    backend.reply(session_id, "welcome back");
    await it.shows(`user: first ${kind}`, `user: second ${kind}`, "reply: to the second page", `user: back ${kind}`, "reply: welcome back");
    assert.deepEqual(it.complaints, []);
    await it.context.close();
  });
}

test("without history the page has its own session and messages again", { timeout }, async () => {
  const it = await openTab(pageWith("own", { history: false }));
  await it.page.evaluate(() => chat.open());
  await it.page.evaluate(() => chat.setMetadata("username:later"));
  await it.type("before");
  const { session_id } = await backend.hears("before");
  await it.state("Delivered");
  await it.page.goto(pageWith("elsewhere"));
  backend.reply(session_id, "meanwhile");
  await it.back();
  await it.shows("user: before", "reply: meanwhile");
  await it.type("after");
  const heard = await backend.hears("after");
  assert.deepEqual([heard.session_id, heard.metadata], [session_id, "username:later"]);
  assert.deepEqual(it.complaints, []);
  await it.context.close();
});

/** A page with the element, shown in `<main>`. */
async function elementPage(name, attributes = "") {
  site.pages["/element.js"] ??= await elementScript();
  site.pages[`/${name}`] = `<!doctype html><html lang="en"><title>Part of a page</title><main><ownwire-chat ws-url="${gateway.wsUrl}"
    server-keys="${gateway.ready.server_key}" ${attributes}></ownwire-chat></main><script src="/element.js"></script>`;
  return `${site.origin}/${name}`;
}
async function openElement(url) {
  const it = await openTab(url);
  const chat = it.page.locator("ownwire-chat");
  return {
    ...it,
    type: async (text) => {
      await chat.locator("textarea").fill(text);
      await chat.locator("textarea").press("Enter");
    },
    shows: (...messages) => it.page.waitForFunction((wanted) =>
      JSON.stringify([...document.querySelector("ownwire-chat").shadowRoot.querySelectorAll(".message")].map((each) => each.textContent)) === wanted, JSON.stringify(messages)),
    state: (text) => chat.locator(".state", { hasText: text }).last().waitFor(),
  };
}

test("<ownwire-chat> goes on with the session of the page that was left, and keeps what was being written", { timeout }, async () => {
  const it = await openElement(await elementPage("element_one"));
  await it.type("element, first");
  const { session_id } = await backend.hears("element, first");
  await it.state("Delivered");
  await it.page.locator("ownwire-chat textarea").fill("half a sen");
  await it.page.goto(await elementPage("element_two"));
  await it.type("element, second");
  assert.equal((await backend.hears("element, second")).session_id, session_id);
  await it.state("Delivered");
  await it.back();
  await it.shows("element, first", "element, second");
  assert.equal(await it.page.locator("ownwire-chat textarea").inputValue(), "half a sen");
  await it.type("element, back");
  assert.equal((await backend.hears("element, back")).session_id, session_id);
  assert.deepEqual(it.complaints, []);
  await it.context.close();
});

for (const history of ["true", "false"]) {
  test(`<ownwire-chat history="${history}"> that is moved within its page keeps session and messages, also out of sight`, { timeout }, async () => {
    const it = await openElement(await elementPage("moved", `history="${history}"`));
    await it.type(`before the move ${history}`);
    const { session_id } = await backend.hears(`before the move ${history}`);
    await it.state("Delivered");
    await it.page.evaluate(() => {
      const chat = document.querySelector("ownwire-chat");
      chat.remove();
      chat.hidden = true;
      document.querySelector("main").append(chat);
    });
    backend.reply(session_id, "to the other place");
    await it.shows(`before the move ${history}`, "to the other place");
    await it.page.evaluate(() => document.querySelector("ownwire-chat").send("after the move"));
    assert.equal((await backend.heard.find(({ content, session_id: id }) => content === "after the move" && id === session_id)).session_id, session_id);
    assert.deepEqual(it.complaints, []);
    await it.context.close();
  });
}
