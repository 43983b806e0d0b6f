// Whom the limits of an address take for the same.
import assert from "node:assert/strict";
import { test } from "node:test";
import { countedAddress } from "./address.js";

for (const [text, counted] of [
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["::FFFF:192.0.2.1", "192.0.2.1"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["2001:DB8:0:0:ffff::", "2001:db8:0:0::/64"],
  ["2001:db8:0:1::1", "2001:db8:0:1::/64"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["1::", "1:0:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["::1.2.3.4", "0:0:0:0::/64"],
  ["::ffff:256.0.2.1", "::ffff:256.0.2.1"],
  ["fe80::1%eth0", "fe80::1%eth0"],
  ["", ""],
  ["a proxy", "a proxy"],
] as const) {
  test(`"${text}" counts as "${counted}"`, () => assert.equal(countedAddress(text), counted));
}
