// The widget on pages as they come: foreign, strict, hostile. And what browsers must not be able to do.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { outputFolder } from "./demo.mjs";
import { axeFindings, elementScript, embedding, launchBrowser, openPage, startBackend, startGateway, startSite } from "./ownwire.mjs";

let gateway;
let closed; // lets in nobody but its own pages
let browser;
let backend;
let site;
let attacker;

before(async () => {
  [gateway, closed] = await Promise.all([startGateway("--allow-origin", "localhost"), startGateway()]);
  backend = await startBackend(gateway, { answer: ({ content }) => [`you said ${content}`] });
  [site, attacker] = await Promise.all([startSite({}), startSite({})]);
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await Promise.all([site, attacker, backend, gateway, closed].map((each) => each?.stop()));
});

const timeout = 120_000;

test("without widget_origin a foreign page gets a frame that the loader builds, with its module pinned by hash", { timeout }, async () => {
  site.pages["/built"] = embedding(gateway, { ws_url: gateway.wsUrl.replace(/^ws/, "http"), widget_origin: "", title: "Built here" });
  const it = await openPage(browser, `${site.origin}/built`);
  await it.open();
  await it.type("from a built frame");
  await it.has(".message.reply", "you said from a built frame");
  const frame = await it.frame();
  assert.equal(frame.url(), "about:srcdoc");
  assert.equal(await frame.evaluate(() => self.origin), site.origin);
  assert.match(await frame.evaluate(() => document.querySelector("script").integrity), /^sha384-[A-Za-z0-9+/]{64}$/);
  assert.equal(await it.page.locator("ownwire-widget iframe").getAttribute("sandbox"), null);
  assert.deepEqual(it.complaints, []);
  await it.context.close();
});

test("a changed module does not run in a built frame", { timeout }, async () => {
  site.pages["/changed"] = embedding(gateway, { ws_url: gateway.wsUrl });
  const it = await openPage(browser, "about:blank");
  await it.page.route("**/js/application.js", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${await response.text()};globalThis.changed = true` });
  });
  const refused = it.page.waitForEvent("console", (entry) => /integrity/.test(entry.text()));
  await it.page.goto(`${site.origin}/changed`);
  await refused;
  assert.equal(await (await it.frame()).evaluate(() => globalThis.changed), undefined);
  await it.context.close();
});

test("a page with a strict policy and trusted types puts its options on the script tag", { timeout }, async () => {
  const policy = [
    "default-src 'none'", `script-src ${gateway.origin}`, `frame-src ${gateway.origin}`, `img-src ${gateway.origin}`, "base-uri 'none'",
    "require-trusted-types-for 'script'", "trusted-types 'none'",
  ].join("; ");
  site.pages["/strict"] = {
    headers: { "content-security-policy": policy },
    html: `<!doctype html><html lang="en"><title>Strict</title><script src="${gateway.origin}/js/ownwire_widget.js" data-ws-url="${gateway.wsUrl}"
      data-widget-origin="${gateway.origin}" data-title="Strictly yours" data-metadata="username:strict" data-minimized-mode="icon"></script>`,
  };
  const it = await openPage(browser, `${site.origin}/strict`);
  assert.equal(await it.launcher.textContent(), "Strictly yours");
  assert.equal(await it.launcher.locator("img").evaluate((image) => image.complete && image.naturalWidth > 0), true);
  await it.open();
  const box = await it.page.locator("ownwire-widget iframe").boundingBox();
  assert.ok(box.width > 300 && box.height > 300, "its styles apply");
  await it.type("from a strict page");
  await it.has(".message.reply", "from a strict page");
  assert.equal((await backend.hears("from a strict page")).metadata, "username:strict");
  assert.deepEqual(it.complaints, []);
  await it.context.close();
});

test("markup in texts, metadata, title, theme, strings and paths stays text", { timeout }, async () => {
  const evil = `"><img src=x onerror="top.hit=1;parent.hit=1"><script>parent.hit=1</script>`;
  site.pages["/evil"] = embedding(gateway, {
    ws_url: gateway.wsUrl, widget_origin: gateway.origin, metadata: evil, title: evil, theme: evil, lang: evil, dir: evil, minimized_mode: evil,
    icon_url: "javascript:parent.hit=1", strings: { placeholder: evil, welcome: evil, send: evil, unread: evil }, [evil]: evil,
  });
  const it = await openPage(browser, `${site.origin}/evil`);
  await it.open();
  await it.type(evil);
  await it.has(".message.reply", "you said");
  assert.equal((await backend.hears(evil)).metadata, evil);
  assert.deepEqual(await it.messages(), [`user: ${evil}`, `reply: you said ${evil}`]);
  assert.equal(await it.launcher.locator("span").textContent(), evil);
  const frame = await it.frame();
  assert.equal(await frame.locator(".title").textContent(), evil);
  assert.equal(await frame.evaluate(() => document.querySelectorAll("img, script:not([src])").length), 0);
  assert.equal(await it.page.evaluate(() => window.hit), undefined);
  assert.equal(await it.page.locator("ownwire-widget").getAttribute("class"), "bar");
  for (const origin of ["javascript:parent.hit=1//", "data:text/html,x"]) {
    assert.match(await it.page.evaluate((widget_origin) => {
      try {
        ownwireWidget({ ws_url: "wss://h/ws", widget_origin });
      } catch (error) {
        return error.message;
      }
    }, origin), /widget_origin|Invalid URL/);
  }
  await it.context.close();
});

test("messages of other windows and frames do nothing", { timeout }, async () => {
  attacker.pages["/"] = "<!doctype html><title>Attacker</title>";
  site.pages["/attacked"] = embedding(gateway, { ws_url: gateway.wsUrl, widget_origin: gateway.origin }, `<iframe name="attacker" src="${attacker.origin}/"></iframe>`);
  const it = await openPage(browser, `${site.origin}/attacked`);
  await it.chat.locator("textarea").waitFor({ state: "attached" });
  const frame = it.page.frame("attacker");
  await frame.waitForLoadState();
  const commands = [
    { ownwire: "ready" }, { ownwire: "restore" }, { ownwire: "restore", focus: true }, { ownwire: "unread", count: 5 }, { ownwire: "send", text: "evil" },
    { ownwire: "look", background: "red", color: "red" }, { ownwire: "init", options: { ws_url: "wss://evil.example/ws", title: "Evil" } }, null, 7, "ready",
  ];
  assert.ok(await frame.evaluate(() => parent.length) >= 1);
  await frame.evaluate((all) => {
    const others = [parent, ...Array.from({ length: parent.length }, (_, i) => parent[i])];
    for (const each of all) others.forEach((one) => one.postMessage(each, "*"));
  }, commands);
  // The page itself is no frame of the loader's either, and its second init comes too late.
  await it.page.evaluate((all) => {
    all.slice(0, 4).forEach((each) => window.postMessage(each, "*"));
    document.querySelector("ownwire-widget").shadowRoot.querySelector("iframe").contentWindow.postMessage(all[6], "*");
  }, commands);
  assert.equal(await it.page.locator("ownwire-widget").getAttribute("open"), null);
  assert.equal(await it.launcher.locator("b").isHidden(), true);
  await it.open();
  assert.notEqual(await it.chat.locator(".title").textContent(), "Evil");
  await it.type("mine");
  await it.has(".message.reply", "you said mine");
  assert.deepEqual(await it.messages(), ["user: mine", "reply: you said mine"]);
  await it.context.close();
});

test("another page in the same tab that frames the chat finds no transcript and no session", { timeout }, async () => {
  site.pages["/owner"] = embedding(gateway, { ws_url: gateway.wsUrl, widget_origin: gateway.origin });
  attacker.pages["/frames"] = embedding(gateway, { ws_url: gateway.wsUrl, widget_origin: gateway.origin });
  const it = await openPage(browser, `${site.origin}/owner`);
  await it.open();
  await it.type("for the owner's page");
  const { session_id } = await backend.hears("for the owner's page");
  await it.has(".message.reply");
  await it.page.goto(`${attacker.origin}/frames`);
  await it.open();
  await it.has(".welcome");
  assert.deepEqual(await it.messages(), []);
  await it.type("for the other page");
  assert.notEqual((await backend.hears("for the other page")).session_id, session_id);
  await it.context.close();
});

test("an origin that is not on the list is refused, and the log names the flag", { timeout }, async () => {
  site.pages["/refused"] = `<!doctype html><title>Refused</title><script src="${closed.origin}/js/ownwire.js"></script>`;
  const it = await openPage(browser, `${site.origin}/refused`);
  const logged = closed.says(/--allow-origin/);
  const code = await it.page.evaluate(async (url) => {
    const chat = new Ownwire(url, { reconnect: false });
    try {
      await chat.connect();
      return "open";
    } catch (error) {
      return error.code;
    }
  }, closed.wsUrl);
  assert.notEqual(code, "open");
  assert.match(await logged, new RegExp(site.origin.replace("http://", "")));
  await it.context.close();
});

test("a page cannot use the internal port", { timeout }, async () => {
  site.pages["/internal"] = "<!doctype html><title>Internal</title>";
  const it = await openPage(browser, `${site.origin}/internal`);
  const code = await it.page.evaluate((url) => new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.onopen = () => resolve("open");
    socket.onclose = ({ code }) => resolve(code);
  }), gateway.ready.internal_ws_url);
  assert.equal(code, 1006);
  await it.context.close();
});

test("an insecure origin is refused by the constructor, http://localhost is not", { timeout }, async () => {
  const script = (origin) => `<!doctype html><title>SDK</title><script src="${origin}/js/ownwire.js"></script>`;
  const insecure = `http://insecure.test:${site.port}`;
  site.pages["/sdk"] = script(gateway.origin);
  const construct = (url) => {
    try {
      new Ownwire(url);
      return "made";
    } catch (error) {
      return error.code ?? String(error);
    }
  };
  for (const [origin, made] of [[insecure, "insecure_origin"], [site.origin, "made"], [site.origin.replace("localhost", "127.0.0.1"), "made"]]) {
    const it = await openPage(browser, `${origin}/sdk`);
    assert.equal(await it.page.evaluate(construct, "wss://chat.example/ws"), made, origin);
    await it.context.close();
  }
});

test("the widget on an insecure origin says that it cannot start", { timeout }, async () => {
  const gatewayThere = closed.origin.replace("localhost", "insecure.test");
  site.pages["/insecure"] = embedding({ origin: gatewayThere }, { ws_url: "wss://chat.example/ws", widget_origin: gatewayThere });
  const it = await openPage(browser, `http://insecure.test:${site.port}/insecure`);
  await it.open();
  await it.has(".status.problem", "cannot start");
  await it.type("kept from going out");
  await it.has(".entry.failed", "Not sent");
  await it.context.close();
});

test("a wrong pin: nothing is sent, and the user reads why", { timeout }, async () => {
  site.pages["/pinned"] = embedding(gateway, { ws_url: gateway.wsUrl, widget_origin: gateway.origin, server_keys: [closed.ready.server_key] });
  const it = await openPage(browser, "about:blank");
  const sent = [];
  it.page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => sent.push(payload)));
  await it.page.goto(`${site.origin}/pinned`);
  await it.open();
  await it.type("only for the right server");
  await it.has(".status.problem", "could not prove");
  await it.has(".state", "Sending");
  assert.equal(sent.filter((payload) => String(payload).includes("only for")).length, 0);
  assert.ok(sent.every((payload) => typeof payload === "string" || payload.subarray(0, 4).toString() === "FSEH"), "open message and handshake only");
  assert.equal(await it.chat.locator(".security code").textContent(), closed.ready.kid);
  await it.context.close();
});

test("the lock shows the id of the pinned key", { timeout }, async () => {
  site.pages["/lock"] = embedding(gateway, { ws_url: gateway.wsUrl, widget_origin: gateway.origin });
  const it = await openPage(browser, `${site.origin}/lock`);
  await it.open();
  const lock = it.chat.getByRole("button", { name: "Encrypted for the holder of this key" });
  await lock.click();
  assert.equal(await lock.getAttribute("aria-expanded"), "true");
  await it.has(".security code", gateway.ready.kid);
  await it.context.close();
});

test("<ownwire-chat> is the same chat as a part of the page", { timeout }, async () => {
  site.pages["/element.js"] = await elementScript();
  site.pages["/element"] = `<!doctype html><html lang="en"><title>Part of a page</title><main><h1>A site</h1><ownwire-chat ws-url="${gateway.wsUrl}"
    server-keys="${gateway.ready.server_key}" heading="On the page" metadata="username:element"></ownwire-chat></main><script src="/element.js"></script>`;
  const it = await openPage(browser, `${site.origin}/element`);
  const chat = it.page.locator("ownwire-chat");
  await it.page.evaluate(() => {
    window.events = [];
    for (const name of ["state", "sent", "message"]) document.querySelector("ownwire-chat").addEventListener(`ownwire-${name}`, ({ detail }) => events.push(detail ?? name));
  });
  await chat.locator("textarea").fill("from an element");
  await chat.locator("textarea").press("Enter");
  await chat.locator(".message.reply", { hasText: "you said from an element" }).waitFor();
  assert.equal((await backend.hears("from an element")).metadata, "username:element");
  assert.equal(await chat.locator("h2").textContent(), "On the page");
  // A text may be sent before the chat is open.
  assert.deepEqual((await it.page.evaluate(() => events)).filter((each) => each === "sent" || each === "message"), ["sent", "message"]);
  await it.page.screenshot({ path: join(outputFolder("browser"), "ownwire-element.png") });
  assert.deepEqual(await axeFindings(it.page.mainFrame()), []);
  await it.page.reload();
  await chat.locator(".message.reply", { hasText: "you said from an element" }).waitFor();
  assert.deepEqual(it.complaints, []);
  await it.context.close();
});

test("two <ownwire-chat> of a page with an id each keep a session each, also after a reload", { timeout }, async () => {
  site.pages["/element.js"] = await elementScript();
  const element = (id) => `<ownwire-chat id="${id}" ws-url="${gateway.wsUrl}" server-keys="${gateway.ready.server_key}" metadata="username:${id}"></ownwire-chat>`;
  site.pages["/elements"] = `<!doctype html><html lang="en"><title>Two parts of a page</title><main>${element("sales")}${element("support")}</main><script src="/element.js"></script>`;
  const it = await openPage(browser, `${site.origin}/elements`);
  const round = async (text) => {
    const sessions = [];
    for (const id of ["sales", "support"]) {
      const chat = it.page.locator(`#${id}`);
      await chat.locator("textarea").fill(`${text} ${id}`);
      await chat.locator("textarea").press("Enter");
      await chat.locator(".message.reply", { hasText: `you said ${text} ${id}` }).waitFor();
      sessions.push((await backend.hears(`${text} ${id}`)).session_id);
    }
    return sessions;
  };
  const sessions = await round("before");
  assert.notEqual(...sessions);
  await it.page.reload();
  assert.deepEqual(await round("after"), sessions);
  for (const id of ["sales", "support"]) assert.equal(await it.page.locator(`#${id} .message`).count(), 4);
  assert.deepEqual(it.complaints, []);
  await it.context.close();
});

test("nothing between browser and gateway has text, metadata or title", { timeout }, async () => {
  site.pages["/wire"] = embedding(gateway, { ws_url: gateway.wsUrl, widget_origin: gateway.origin, metadata: "user:wire-metadata", title: "wire-title" });
  const it = await openPage(browser, "about:blank");
  const seen = [];
  it.page.on("request", (request) => seen.push(request.url()));
  it.page.on("websocket", (socket) => ["framesent", "framereceived"].forEach((name) => socket.on(name, ({ payload }) => seen.push(String(payload)))));
  await it.page.goto(`${site.origin}/wire`);
  await it.open();
  await it.type("wire-content");
  await it.has(".message.reply", "you said wire-content");
  assert.ok(seen.length > 6);
  assert.deepEqual(seen.filter((each) => /wire-(content|metadata|title)/.test(each)), []);
  await it.context.close();
});
