// Content types of requests.
// Layer controlplane. Source: RFC 9110, 8.3.1 and 5.6.6.

const token = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
/** A parameter and what is left behind it, or nothing at all behind the semicolon. */
const parameter = new RegExp(`^[ \\t]*;[ \\t]*(?:$|(${token})[ \\t]*=[ \\t]*(?:${token}|"(?:[^"\\\\]|\\\\.)*")[ \\t]*)`);

/** Whether it is application/json in whatever letters, with sound parameters, which are not judged, each at most once. */
export function isJsonMediaType(value: string): boolean {
  const [type = ""] = value.split(";", 1);
  if (type.trim().toLowerCase() !== "application/json") return false;
  const names = new Set<string>();
  for (let rest = value.slice(type.length); rest !== ""; ) {
    const [whole, name] = parameter.exec(rest) ?? [];
    if (whole === undefined) return false;
    rest = rest.slice(whole.length);
    if (name === undefined) continue;
    if (names.has(name.toLowerCase())) return false;
    names.add(name.toLowerCase());
  }
  return true;
}
