// js/ownwire_widget.js, a classic script: defines ownwireWidget, and calls it when its own tag has the options.
// Layer ownwire.

import { optionsOf, ownwireWidget } from "./loader.js";

Object.assign(globalThis, { ownwireWidget });
const script = document.currentScript;
const options = script instanceof HTMLElement ? optionsOf(script) : undefined;
if (options) ownwireWidget(options);
