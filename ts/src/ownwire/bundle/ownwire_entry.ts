// js/ownwire.js, a classic script: defines Ownwire.
// Layer ownwire, browsers.

import { OwnwireError } from "../error.js";
import { Ownwire } from "../ownwire.js";
import { noteScript } from "./script.js";

noteScript();
Object.assign(globalThis, { Ownwire, OwnwireError });
