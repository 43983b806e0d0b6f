// How the widget looks and whether everybody can use it: every state and theme through axe, contrast computed, nothing that overflows.
// Screenshots go to <build>/browser.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { outputFolder } from "./demo.mjs";
import { axeFindings, embedding, launchBrowser, openPage, startBackend, startGateway, startSite } from "./ownwire.mjs";

const green = `
.chat header { background: #14532d !important; color: #ffffff !important; }
.chat .message { background: #15803d !important; color: #ffffff !important; }
.chat .message.reply { background: #dcfce7 !important; color: #14532d !important; }
.chat .send-message { background: #15803d !important; color: #ffffff !important; }
.chat .send-message:hover { background: #14532d !important; }
.chat .typing-dot { background: #4ade80 !important; }
`;
const timeout = 120_000;
const screenshots = outputFolder("browser");
let folder;
let gateway;
let themed;
let browser;
let backend;
let site;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "ownwire-looks-"));
  writeFileSync(join(folder, "green.css"), green);
  [gateway, themed] = await Promise.all([
    startGateway("--allow-origin", "localhost"),
    startGateway("--allow-origin", "localhost", "--custom-css", join(folder, "green.css")),
  ]);
  backend = await startBackend(gateway, { answer });
  themed.backend = await startBackend(themed, { answer });
  site = await startSite({});
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await Promise.all([site, backend, themed?.backend].map((each) => each?.stop()));
  await Promise.all([gateway, themed].map((each) => each?.stop()));
  rmSync(folder, { recursive: true });
});

const answers = {
  "Hello! Do you deliver to Iceland?": ["We do. It takes five to seven days, and shipping is free from 60 € on."],
  "مرحبا، هل توصلون إلى الرياض؟": ["نعم، خلال خمسة إلى سبعة أيام."],
};
const answer = ({ content }) => answers[content] ?? [];

const page = (name, options, of = gateway) => {
  site.pages[`/${name}`] = embedding(of, { ws_url: of.wsUrl, widget_origin: of.origin, title: "Ask Harbour Coffee", ...options });
  return `${site.origin}/${name}`;
};

/** The least contrast of all visible texts of a document with what is behind them, and which text that is. */
const leastContrast = (frame) => frame.evaluate(() => {
  const parse = (text) => text.match(/[\d.]+/g).map(Number);
  const over = ([r, g, b, a = 1], below) => [r, g, b].map((each, i) => each * a + below[i] * (1 - a));
  const behind = (element) => {
    if (!element) return [255, 255, 255];
    const parent = element.parentElement ?? element.getRootNode().host;
    return over(parse(getComputedStyle(element).backgroundColor), behind(parent));
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((each) => (each / 255 <= 0.04045 ? each / 255 / 12.92 : ((each / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const roots = [document.body, ...[...document.querySelectorAll("*")].map(({ shadowRoot }) => shadowRoot).filter(Boolean)];
  const elements = roots.flatMap((root) => [...root.querySelectorAll("*")]).filter((element) =>
    element.checkVisibility({ visibilityProperty: true }) && element.getBoundingClientRect().width > 1 &&
    ([...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()) || element.placeholder || element.localName === "svg" || element.matches(".typing-dot")));
  const found = elements.flatMap((element) => {
    const background = behind(element.matches(".typing-dot") ? element.parentElement : element);
    const colors = element.matches(".typing-dot") ? [getComputedStyle(element).backgroundColor] : [getComputedStyle(element).color];
    if (element.placeholder) colors.push(getComputedStyle(element, "::placeholder").color);
    return colors.map((color) => {
      const [high, low] = [over(parse(color), background), background].map(luminance).sort((a, b) => b - a);
      return { ratio: (high + 0.05) / (low + 0.05), what: `${element.localName}.${element.getAttribute("class")}: ${element.textContent.slice(0, 30)}` };
    });
  });
  return found.sort((a, b) => a.ratio - b.ratio)[0];
});

/** What sticks out of a document's window to a side. */
const overflowing = (frame) => frame.evaluate(() => {
  const width = document.documentElement.clientWidth;
  const roots = [document, ...[...document.querySelectorAll("*")].map(({ shadowRoot }) => shadowRoot).filter(Boolean)];
  const out = roots.flatMap((root) => [...root.querySelectorAll("*")]).filter((element) => {
    const { left, right, width: own } = element.getBoundingClientRect();
    return own > 1 && element.checkVisibility({ visibilityProperty: true }) && (left < -0.5 || right > width + 0.5);
  });
  const scrolls = [document.documentElement, ...document.querySelectorAll(".chat, .messages")].filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth);
  return [...out, ...scrolls].map((element) => `${element.localName}.${element.className}`);
});

/** Everything that holds in every state. Closed, there is the page to look at; open, the frame. */
async function check(it, name) {
  await it.page.screenshot({ path: join(screenshots, `ownwire-${name}.png`), animations: "disabled" });
  const isOpen = (await it.page.locator("ownwire-widget").getAttribute("open")) !== null;
  const frame = isOpen ? await it.frame() : it.page.mainFrame();
  assert.deepEqual(await axeFindings(frame), [], name);
  const least = await leastContrast(frame);
  assert.ok(least.ratio >= 4.5, `${name}: ${least.what} has ${least.ratio.toFixed(2)}`);
  assert.deepEqual(await overflowing(frame), [], name);
}

/** A conversation up to the dots. */
async function converse(it, first = "Hello! Do you deliver to Iceland?", last = "And how do I pay?") {
  await it.type(first);
  await it.has(".message.reply");
  await it.type(last);
  await it.chat.locator(".typing-dot").first().waitFor();
}

for (const [name, options, of] of [
  ["dark", {}], ["light", { theme: "light" }], ["green", {}, "themed"],
  ["rtl", { lang: "ar", title: "اسأل مقهى الميناء", strings: { placeholder: "اكتب رسالة…", delivered: "تم التسليم", send: "إرسال", welcome: "مرحبا! كيف يمكننا المساعدة؟" } }],
  ["rtl-light", { dir: "rtl", theme: "light" }],
]) {
  test(`closed, open, typing and the lock: ${name}`, { timeout }, async () => {
    const it = await openPage(browser, page(name, options, of === "themed" ? themed : gateway));
    await it.chat.locator("textarea").waitFor({ state: "attached" });
    await check(it, `${name}-bar`);
    await it.open();
    await check(it, `${name}-open`);
    if (name === "rtl") await converse(it, "مرحبا، هل توصلون إلى الرياض؟", "وكيف أدفع؟");
    else await converse(it);
    await it.page.screenshot({ path: join(screenshots, `ownwire-${name}-typing.png`) });
    await it.chat.locator(".lock").click();
    await it.has(".security code");
    await check(it, `${name}-lock`);
    if (name === "green") {
      await it.chat.locator("textarea").press("Escape");
      assert.equal(await it.launcher.evaluate((button) => getComputedStyle(button).backgroundColor), "rgb(20, 83, 45)", "the launcher has the heading's colour");
    }
    if (name.startsWith("rtl")) {
      const { x } = await it.page.locator("ownwire-widget iframe").boundingBox();
      assert.ok(x < 100, "it is in the other corner");
      assert.equal(await (await it.frame()).evaluate(() => document.documentElement.dir), "rtl");
    }
    assert.deepEqual(it.complaints, []);
    await it.context.close();
  });
}

test("closed as an icon, with unread replies", { timeout }, async () => {
  const it = await openPage(browser, page("icon", { minimized_mode: "icon" }));
  await it.chat.locator("textarea").waitFor({ state: "attached" });
  await check(it, "icon");
  const { width, height } = await it.launcher.boundingBox();
  assert.ok(width >= 44 && height >= 44, "large enough for a finger");
  await it.page.evaluate(() => chat.send("Hello! Do you deliver to Iceland?"));
  await it.launcher.locator("b", { hasText: "1" }).waitFor();
  await check(it, "icon-unread");
  await it.context.close();
});

test("an icon that does not load is drawn", { timeout }, async () => {
  const it = await openPage(browser, page("noicon", { minimized_mode: "icon", icon_url: `${site.origin}/missing.png` }));
  await it.launcher.locator("i:empty").waitFor();
  await it.page.screenshot({ path: join(screenshots, "ownwire-icon-drawn.png") });
  await it.context.close();
});

for (const theme of ["dark", "light"]) {
  test(`an error, ${theme}`, { timeout }, async () => {
    const it = await openPage(browser, page(`error-${theme}`, { theme, server_keys: ["no key"] }));
    await it.open();
    await it.type("Is anybody there?");
    await it.has(".entry.failed", "Not sent");
    await it.chat.getByRole("button", { name: "Try again" }).waitFor();
    await it.has(".status.problem", "cannot start");
    await check(it, `error-${theme}`);
    await it.context.close();
  });
}

test("theme auto follows the browser", { timeout }, async () => {
  for (const [colorScheme, expected] of [["light", "rgb(255, 255, 255)"], ["dark", "rgb(21, 23, 28)"]]) {
    const it = await openPage(browser, page("auto", { theme: "auto" }), { colorScheme });
    await it.open();
    assert.equal(await it.chat.locator(".chat").evaluate((chat) => getComputedStyle(chat).backgroundColor), expected);
    await check(it, `auto-${colorScheme}`);
    await it.context.close();
  }
});

for (const [name, viewport, scale] of [["320", { width: 320, height: 568 }, 1], ["zoom-200", { width: 500, height: 380 }, 2], ["landscape", { width: 640, height: 320 }, 1]]) {
  test(`nothing overflows: ${name}`, { timeout }, async () => {
    const title = "A heading that is longer than what fits beside two buttons";
    const it = await openPage(browser, page(name, { title }), { viewport, deviceScaleFactor: scale });
    await it.chat.locator("textarea").waitFor({ state: "attached" });
    await check(it, `${name}-bar`);
    await it.open();
    const { x, y, width, height } = await it.page.locator("ownwire-widget iframe").boundingBox();
    assert.deepEqual([x, y, width, height], [0, 0, viewport.width, viewport.height], "the whole window");
    await converse(it, "Hello! Do you deliver to Iceland?", `${"o".repeat(200)} https://example.com/${"path/".repeat(30)}`);
    await check(it, `${name}-open`);
    assert.ok((await it.chat.locator(".messages").boundingBox()).height > 60, "there is room for messages");
    await it.context.close();
  });
}

test("who wants less motion gets none", { timeout }, async () => {
  const it = await openPage(browser, page("still"));
  await it.open();
  await converse(it);
  const frame = await it.frame();
  assert.equal(await frame.evaluate(() => document.getAnimations().length), 0);
  assert.equal(await it.page.evaluate(() => document.getAnimations().length), 0);
  await it.context.close();
});

test("it can be used with the keyboard alone", { timeout }, async () => {
  const it = await openPage(browser, page("keyboard"));
  const focused = async () => (await it.frame()).evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.localName);
  await it.chat.locator("textarea").waitFor({ state: "attached" });
  await it.page.keyboard.press("Tab");
  await it.page.keyboard.press("Enter");
  await it.chat.locator("textarea").waitFor();
  assert.equal(await focused(), "textarea");
  const way = [];
  for (let i = 0; i < 3; i++) {
    await it.page.keyboard.press("Shift+Tab");
    way.push(await focused());
  }
  assert.deepEqual(way, ["Messages", "Minimise chat", "Encrypted for the holder of this key"]);
  await it.page.keyboard.press("Escape");
  await it.launcher.waitFor();
  assert.equal(await it.page.evaluate(() => document.activeElement.shadowRoot.activeElement.localName), "button");
  const log = it.chat.locator("[role=log]");
  assert.equal(await log.getAttribute("aria-live"), "polite");
  await it.context.close();
});
