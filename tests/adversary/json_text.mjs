// JSON as no writer of the project would write it: values as any text, members twice, a letter case of its own.

const isLong = (value) => typeof value === "object" && value !== null && value.times !== undefined && value.of !== undefined;
/** {"times": n, "of": text} is a long text. */
const unrolled = (value) => (isLong(value) ? value.of.repeat(value.times) : value);

/** Fields as one object. `fields`: others in their place (null leaves one out, so do `without`); `raw`: values as they are written; `before` and `after`: text inside the braces;
 * `space`: white space around every token; `padTo`: bytes in all, with spaces behind it. */
export function objectText(usual, { fields = {}, raw = {}, before = "", after = "", space = "", backwards = false, padTo = 0 } = {}) {
  const merged = { ...usual, ...fields };
  for (const name of Object.keys(raw)) merged[name] ??= 0;
  let members = Object.entries(merged).filter(([, value]) => value !== null);
  if (backwards) members = members.reverse();
  const texts = members.map(([name, value]) => `${JSON.stringify(name)}${space}:${space}${unrolled(raw[name]) ?? JSON.stringify(unrolled(value))}`);
  return `${space}{${space}${before}${texts.join(`${space},${space}`)}${after}${space}}${space}`.padEnd(padTo);
}
