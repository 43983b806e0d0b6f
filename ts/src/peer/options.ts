// The command lines of flowersec-peer: `serve` and `client`. Nothing is opened here.
import { yamuxDefaults } from "../base/index.js";
import type { Flag, FlagValues, Program } from "./flags.js";

const maxMib = 1 << 20; // 1 TiB each way
// What a peer admits at once by default; one of them carries the RPC.
const maxStreams = yamuxDefaults.maxInboundStreams - 1;

// Below, flowersec-peer of C++ has no frame that fits; above, no record may be.
const minRecordBytes = 13;
const maxRecordBytes = 65_536;

const maxWideBytes = 2 ** 30;

/** What both commands need to dial. */
export interface DialCommand {
  grant: string;
  info: string;
  origin: string;
  ca: string;
  url: string;
  insecureLoopback: boolean;
  recordBytes: number;
  wideBytes: number;
}

export interface ServeCommand extends DialCommand {
  direct: string;
  control: string;
  endpointId: string;
  waitMs: number;
  cert: string;
  key: string;
  allowedOrigins: string[];
  once: boolean;
}

export interface ClientCommand extends DialCommand {
  mib: number;
  streams: number;
  onlyBulk: boolean;
  say: string;
  quiet: boolean;
}

const text = (name: string, help: string, environment?: string): Flag => ({ name, value: { kind: "string" }, help, ...(environment === undefined ? {} : { environment }) });
const word = (name: string, help: string): Flag => ({ name, value: { kind: "bool" }, help });

const dialFlags: readonly Flag[] = [
  text("grant", "grant file of this role, or - for stdin: output of flowersec-channelinit, answer of a control plane, or one grant"),
  text("info", "connect info file for the direct path, or - for stdin: output of flowersec-directinit"),
  text("origin", "Origin header to send", "FSEC_ORIGIN"),
  text("ca", "PEM file with the only certificates to trust; blank means the system's"),
  text("url", "dial this instead of the URL in the grant or info"),
  word("insecure-loopback", "allow ws:// to this machine"),
  {
    name: "record-bytes", value: { kind: "int", standard: 0 },
    help: `most bytes of one record sent, ${minRecordBytes} to ${maxRecordBytes}; large ones are less work for a browser; 0: as the library has it`,
  },
  {
    name: "wide-window-session-bytes", value: { kind: "int", standard: yamuxDefaults.wideWindowSessionBytes },
    help: `bytes by which the windows of a session may grow beyond 256 KiB each, 0 to ${maxWideBytes}; 0 turns wide windows off`,
  },
];

const exitCodes = [
  "Exit codes", "0  everything held", "1  connecting or a check failed; the reason is in the JSON line, or on stderr when there is none",
  "2  usage error",
] as const;

export const serveProgram: Program = {
  blocks: [
    [
      "Usage", "flowersec-peer serve --grant FILE --origin ORIGIN [flags]", "flowersec-peer serve --control FILE --endpoint-id ID --origin ORIGIN [flags]",
      "flowersec-peer serve --direct ADDRESS:PORT --info FILE [flags]",
    ],
    [
      "Examples", "flowersec-peer serve --grant channel.json --origin https://app.example",
      "flowersec-peer serve --grant channel.json --origin http://127.0.0.1 --insecure-loopback",
      "flowersec-peer serve --control laptop.json --endpoint-id laptop --origin https://app.example", "flowersec-peer serve --direct 127.0.0.1:9000 --info info.json",
    ],
    ["Output", "stdout: one JSON line when ready (--direct) or registered (--control), one per session when it has ended"],
    exitCodes,
    ["Signals", "SIGINT, SIGTERM  close the session and stop with exit code 0"],
  ],
  flags: [
    ...dialFlags,
    text("control", "credential of an endpoint, as flowersec-controlplane add-endpoint writes it, or - for stdin; needs --endpoint-id"),
    text("endpoint-id", "with --control: the id under which clients ask for this endpoint"),
    text("direct", "listen on address:port for direct clients; needs --info"),
    { name: "wait", value: { kind: "duration", standard: 60_000, text: "1m0s" }, help: "how long to wait for the client, through a tunnel" },
    text("cert", "PEM certificate chain for --direct; turns TLS on"),
    text("key", "PEM private key of the certificate"),
    { name: "allow-origin", value: { kind: "list" }, help: "accepted Origin for --direct (repeatable); not needed on a loopback address" },
    word("once", "with --direct or --control: stop after the first session"),
  ],
};

export const clientProgram: Program = {
  blocks: [
    ["Usage", "flowersec-peer client --grant FILE --origin ORIGIN [flags]", "flowersec-peer client --info FILE --origin ORIGIN [flags]"],
    [
      "Examples", "flowersec-peer client --grant channel.json --origin https://app.example --mib 64",
      "curl ... https://plane.example/v1/connect/artifact | flowersec-peer client --grant - --origin https://app.example",
      "flowersec-peer client --info info.json --origin http://127.0.0.1 --insecure-loopback",
    ],
    ["Output", "stdout: one JSON line with every check and the figures; stderr: a progress bar"],
    exitCodes,
  ],
  flags: [
    ...dialFlags,
    { name: "mib", value: { kind: "int", standard: 4 }, help: "MiB to send and to receive in the bulk checks; 0 leaves them out" },
    { name: "streams", value: { kind: "int", standard: 1 }, help: `streams that the bulk checks use at once, 1 to ${maxStreams}` },
    word("only-bulk", "leave out the checks but those that move --mib"),
    text("say", "instead of the checks: send this text over an echo stream and print what comes back"),
    word("quiet", "no progress bar"),
  ],
};

export const peerProgram: Program = {
  blocks: [
    [
      "Usage", "flowersec-peer serve [flags]   the server role; see flowersec-peer serve -help",
      "flowersec-peer client [flags]  the client role; see flowersec-peer client -help",
    ],
    [
      "Examples", "flowersec-channelinit ... --out channel.json", "flowersec-peer serve --grant channel.json --origin https://app.example &",
      "flowersec-peer client --grant channel.json --origin https://app.example",
    ],
    ["Output", "stdout: JSON lines"],
    exitCodes,
  ],
  flags: [],
};

function dialOf(values: FlagValues): DialCommand {
  const { grant, info, origin, ca, url } = values as Record<string, string>;
  return {
    grant: grant ?? "", info: info ?? "", origin: origin ?? "", ca: ca ?? "", url: url ?? "", insecureLoopback: values["insecure-loopback"] === true,
    recordBytes: Number(values["record-bytes"]), wideBytes: Number(values["wide-window-session-bytes"]),
  };
}

function boundProblem({ recordBytes, wideBytes }: DialCommand): string | undefined {
  if (recordBytes !== 0 && (recordBytes < minRecordBytes || recordBytes > maxRecordBytes)) return `--record-bytes must be between ${minRecordBytes} and ${maxRecordBytes}`;
  return wideBytes < 0 || wideBytes > maxWideBytes ? `--wide-window-session-bytes must be between 0 and ${maxWideBytes}` : undefined;
}

export function serveCommandOf(values: FlagValues): ServeCommand | string {
  const command: ServeCommand = {
    ...dialOf(values),
    direct: String(values["direct"]),
    control: String(values["control"]),
    endpointId: String(values["endpoint-id"]),
    waitMs: Number(values["wait"]),
    cert: String(values["cert"]),
    key: String(values["key"]),
    allowedOrigins: values["allow-origin"] as string[],
    once: values["once"] === true,
  };
  const problem = boundProblem(command);
  if (problem !== undefined) return problem;
  if (command.control !== "") {
    if (command.grant !== "" || command.direct !== "") return "--control, --grant and --direct exclude each other";
    if (command.info !== "") return "--info is for --direct; the credential of an endpoint goes to --control";
    if (command.endpointId === "") return "--control needs --endpoint-id";
    if (command.waitMs <= 0) return "--wait must be > 0";
    return command.origin === "" ? "missing --origin" : command;
  }
  if (command.endpointId !== "") return "--endpoint-id needs --control";
  if (command.direct === "") {
    if (command.grant === "") return "missing --grant, --control, or --direct with --info";
    if (command.info !== "") return "--info is for --direct; a server behind a tunnel needs --grant alone";
    if (command.waitMs <= 0) return "--wait must be > 0";
    return command.origin === "" ? "missing --origin" : command;
  }
  if (command.info === "") return "--direct needs --info";
  if (command.grant !== "") return "--direct and --grant exclude each other";
  return (command.cert === "") === (command.key === "") ? command : "tls requires both --cert and --key";
}

export function clientCommandOf(values: FlagValues): ClientCommand | string {
  const command: ClientCommand = {
    ...dialOf(values),
    mib: Number(values["mib"]),
    streams: Number(values["streams"]),
    onlyBulk: values["only-bulk"] === true,
    say: String(values["say"]),
    quiet: values["quiet"] === true,
  };
  const problem = boundProblem(command);
  if (problem !== undefined) return problem;
  if ((command.grant === "") === (command.info === "")) return "give one of --grant and --info";
  if (command.origin === "") return "missing --origin";
  if (command.mib < 0 || command.mib > maxMib) return `--mib must be between 0 and ${maxMib}`;
  return command.streams < 1 || command.streams > maxStreams ? `--streams must be between 1 and ${maxStreams}` : command;
}
