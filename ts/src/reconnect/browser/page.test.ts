import assert from "node:assert/strict";
import { test } from "node:test";
import { pageSurroundings } from "./page.js";

/** Counts its listeners. */
class Target extends EventTarget {
  readonly held = new Set<unknown>();
  override addEventListener(...args: Parameters<EventTarget["addEventListener"]>) {
    this.held.add(args[1]);
    super.addEventListener(...args);
  }
  override removeEventListener(...args: Parameters<EventTarget["removeEventListener"]>) {
    this.held.delete(args[1]);
    super.removeEventListener(...args);
  }
}

test("a page tells when the network is back and when it is looked at, until it is asked no more", () => {
  const navigator = { onLine: false };
  const document = Object.assign(new Target(), { visibilityState: "hidden" });
  const page = Object.assign(new Target(), { navigator, document });
  const surroundings = pageSurroundings(page) ?? assert.fail();
  assert.equal(page.held.size + document.held.size, 0, "nothing is touched before it is asked for");
  assert.equal(surroundings.isOnline(), false);
  let better = 0;
  const stop = surroundings.watch(() => void better++);
  navigator.onLine = true;
  page.dispatchEvent(new Event("online"));
  assert.equal(surroundings.isOnline(), true);
  assert.equal(better, 1);
  document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(better, 1, "hidden");
  document.visibilityState = "visible";
  document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(better, 2);
  stop();
  assert.equal(page.held.size + document.held.size, 0);
  page.dispatchEvent(new Event("online"));
  assert.equal(better, 2);
});

test("a worker has a network and nobody who looks; where there is no page there are no surroundings", () => {
  const worker = Object.assign(new Target(), { navigator: { onLine: true } });
  let better = 0;
  const stop = pageSurroundings(worker)?.watch(() => void better++);
  worker.dispatchEvent(new Event("online"));
  assert.equal(better, 1);
  stop?.();
  assert.equal(worker.held.size, 0);
  assert.equal(pageSurroundings({}), undefined);
  assert.equal(pageSurroundings({ navigator: {} }), undefined);
  assert.equal(pageSurroundings(), undefined, "here");
});
