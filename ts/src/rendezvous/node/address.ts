// Addresses as limits count them.
// Layer rendezvous, Node only.

const groups = 8;
const countedGroups = 4;

/** Of IPv6 the first 64 bits, which is what one customer has; of IPv4, written either way, and of other texts all. */
export function countedAddress(text: string): string {
  const host = hostOf(text);
  if (host === undefined) return text;
  const mapped = /^::ffff:([\d.]+)$/i.exec(text)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = [], tail] = host.split("::").map((half) => half.split(":").filter((each) => each !== ""));
  const whole = tail === undefined ? head : [...head, ...Array.from({ length: groups - head.length - tail.length }, () => "0"), ...tail];
  return `${whole.slice(0, countedGroups).join(":")}::/64`;
}

/** An IPv6 address in the one way that URLs write it, without IPv4 inside. */
function hostOf(text: string): string | undefined {
  try {
    return text.includes(":") ? new URL(`http://[${text}]`).hostname.slice(1, -1) : undefined;
  } catch {
    return undefined;
  }
}
