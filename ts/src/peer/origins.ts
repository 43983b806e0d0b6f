// Which Origin headers a listening peer accepts. Source: PROTOCOL, "Origin policy".

const defaultPorts: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

function parts(origin: string): { full: string; host: string; hostPort: string } | undefined {
  try {
    const { protocol, hostname, port } = new URL(origin);
    const host = hostname.replace(/^\[|\]$/g, "");
    const hostPort = `${hostname}:${port || (defaultPorts[protocol] ?? "")}`;
    return { full: `${protocol}//${hostPort}`, host, hostPort };
  } catch {
    return undefined;
  }
}

/** Whether one entry of an allow-list fits an Origin header. */
export function originMatches(entry: string, origin: string): boolean {
  const allowed = entry.trim();
  if (allowed === "") return false;
  const given = parts(origin);
  if (allowed.toLowerCase() === origin.toLowerCase()) return true;
  if (given === undefined) return false;
  if (allowed.includes("://")) return parts(allowed)?.full === given.full;
  const name = allowed.toLowerCase();
  if (name.startsWith("*.")) return given.host.endsWith(name.slice(1)) && given.host.length > name.length - 1;
  return name === given.host || name === given.hostPort || name === given.hostPort.replace(/^\[|\]/g, "");
}
