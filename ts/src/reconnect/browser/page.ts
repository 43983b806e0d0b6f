// A page's surroundings: the browser's network state, and whether the page is visible. Also in workers, which are never looked at.
// Layer reconnect, browsers only: nothing is touched before it is asked for.

import type { Surroundings } from "../surroundings.js";

/** Those of this page or worker; undefined where there is none. */
export function pageSurroundings(scope: object = globalThis): Surroundings | undefined {
  const { navigator, document } = scope as { navigator?: Navigator; document?: Document };
  const target = scope as EventTarget;
  if (typeof navigator?.onLine !== "boolean" || typeof target.addEventListener !== "function") return undefined;
  return {
    isOnline: () => navigator.onLine,
    watch(onBetter) {
      const onVisible = () => {
        if (document?.visibilityState === "visible") onBetter();
      };
      target.addEventListener("online", onBetter);
      document?.addEventListener("visibilitychange", onVisible);
      return () => {
        target.removeEventListener("online", onBetter);
        document?.removeEventListener("visibilitychange", onVisible);
      };
    },
  };
}
