// Where a request for an artifact goes, and where it does not.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ControlplaneRequestError, requestConnectArtifact } from "./artifact_request.js";
import { artifactUrl } from "./artifact_url.js";

interface Page {
  readonly location?: string;
  /** Where there is no href. */
  readonly origin?: string;
  readonly baseURI?: string;
}

/** What artifactUrl() says in such a page. */
function inPage<T>({ location, origin, baseURI }: Page, of: () => T): T {
  const scope = globalThis as { location?: unknown; document?: unknown };
  scope.location = location ? { href: location } : origin && { origin };
  scope.document = baseURI && { baseURI };
  try {
    return of();
  } finally {
    delete scope.location;
    delete scope.document;
  }
}

const urls: [string, boolean, boolean][] = [
  // base, without and with allowLoopbackHTTP
  ["https://cp.example", true, true],
  ["HTTPS://cp.example:8443/x", true, true],
  ["https://[2001:db8::1]:8443", true, true],
  ["http://cp.example", false, false],
  ["http://127.0.0.1:8080", false, true],
  ["http://localhost", false, true],
  ["http://[::1]:1", false, true],
  ["http://127.1", false, false],
  ["http://127.0.00.1", false, false],
  ["http://2130706433", false, false],
  ["http://127.0.0.1.example", false, false],
  ["https://user@cp.example", false, false],
  ["https://cp.example/#x", false, false],
  ["ftp://cp.example", false, false],
  ["https://", false, false],
  ["https:cp.example", false, false],
  ["//cp.example", false, false],
  ["api", false, false],
  ["", false, false],
];
for (const [baseUrl, usually, loopback] of urls) {
  test(`${baseUrl || "no base"} outside a page: ${usually ? "allowed" : loopback ? "on loopback" : "refused"}`, async () => {
    for (const [allowLoopbackHTTP, allowed] of [[false, usually], [true, loopback]] as const) {
      let sent = 0;
      const fetch = () => Promise.reject(new Error(`asked ${++sent}`));
      const asked = requestConnectArtifact({ endpointId: "e", baseUrl, fetch, allowLoopbackHTTP });
      const code = allowed ? "" : "transport_policy_denied";
      await assert.rejects(asked, (error) => error instanceof ControlplaneRequestError && error.status === 0 && error.code === code);
      assert.equal(sent, allowed ? 1 : 0, "requests made");
    }
  });
}

test("a text with characters that URL parsers drop or read as others goes nowhere, in a page or outside", () => {
  const texts: [string, string][] = [
    ["", "/@/evil.example/"], ["", "@//evil.example/"], ["", "/x@"], ["https://good.example", "@.evil.example/"], ["https://good.example@.evil.example", "/"],
    ["ht@tps://evil.example", "/"], ["https:/@/good.example", "/"], ["https://good.example", "/a@b"], ["api@", "/x"],
  ];
  for (const [base, path] of texts) {
    for (const character of ["\t", "\n", "\r", "\0", "\x1f", " ", "\x7f", "\\"]) {
      const [written, on] = [base, path].map((text) => text.replace("@", character)) as [string, string];
      const ask = () => artifactUrl(written, on, true);
      for (const page of [{}, { location: "https://app.example/a/b" }]) assert.equal(inPage(page, ask), undefined, JSON.stringify([written, on]));
    }
  }
  for (const path of ["/\t/evil.example/", "/\\evil.example/"]) {
    assert.equal(new URL(path, "https://app.example/").host, "evil.example", "what a parser makes of it");
  }
});

test("a path cannot become part of the host or the port", () => {
  for (const [base, path] of [
    ["https://good.example", ".evil.example/"], ["https://good.example", "x"], ["https://good.example", ":8443/x"], ["https://good.example", "@evil.example/"],
    ["https://good.example:80", "80/"], ["http://127.0.0.1", "1/"], ["https://", "evil.example/"], ["https:", "//evil.example/"], ["ht", "tps://evil.example/"],
  ] as const) assert.equal(artifactUrl(base, path, true), undefined, base + path);
  for (const [base, path] of [
    ["https://good.example", ""], ["https://good.example", "?x=1"], ["https://good.example/a", ".x"], ["https://good.example:80", "/80"], ["", "https://good.example/x"],
  ] as const) assert.equal(artifactUrl(base, path, false), base + path);
});

test("in a page the URL may be relative to it", () => {
  const path = "/v1/connect/artifact";
  for (const location of ["https://app.example/a/b?c#d", "http://127.0.0.1:5173/"]) {
    for (const base of ["", "api", "./api", "../api", "/api", "?to=", "api//x:y"]) assert.equal(inPage({ location }, () => artifactUrl(base, path, false)), base + path);
    assert.equal(inPage({ location, baseURI: new URL("/deep/down/", location).href }, () => artifactUrl("", path, false)), path);
  }
});

test("an origin is location enough", () => {
  assert.equal(inPage({ origin: "https://app.example" }, () => artifactUrl("/api", "", false)), "/api");
  assert.equal(inPage({ origin: "https://app.example", baseURI: "https://evil.example/" }, () => artifactUrl("/api", "", false)), undefined);
});

test("a relative URL leads to no other host than the page's, and nowhere from a page without one", () => {
  const path = "/v1/connect/artifact";
  const pages: [string, Page, string][] = [
    ["another host", { location: "https://app.example/" }, "//evil.example"],
    ["its own host by name", { location: "https://app.example/" }, "//app.example"],
    ["a base of another host", { location: "https://app.example/", baseURI: "https://evil.example/" }, "api"],
    ["a base of another port", { location: "https://app.example/", baseURI: "https://app.example:8443/" }, ""],
    ["a blank page", { location: "about:blank" }, ""],
    ["a page that is data", { location: "data:text/html,x" }, ""],
    ["a page from a file", { location: "file:///x.html" }, ""],
    ["another scheme", { location: "https://app.example/" }, "javascript:x"],
  ];
  for (const [name, page, base] of pages) assert.equal(inPage(page, () => artifactUrl(base, path, true)), undefined, name);
});
