// js/ownwire_compat.js, a classic script.
// Layer ownwire, browsers.

import { compatCrypto } from "../../crypto/noble/compat.js";

Object.assign(globalThis, { ownwireCompat: compatCrypto });
