// Which way a language is written. Pages and loaders need it, so it is small.
// Layer base.

const rightToLeft = /^(ar|arc|ckb|dv|fa|he|iw|ks|ps|sd|ug|ur|yi)\b/i;

/** Of a language tag. */
export const directionOf = (lang: string): "ltr" | "rtl" => (rightToLeft.test(lang) ? "rtl" : "ltr");
