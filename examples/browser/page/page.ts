// The page: buttons, outputs, and the panel that shows one record beside what it carries.
import { type Client, FlowersecError } from "flowersec";
import { demoOf, download, echo, type Progress, upload } from "./actions.js";
import { hexOf, hexRows } from "./hex.js";
import { installTap, longestRecordDuring, type SeenMessage } from "./tap.js";

/** What differs between the two pages. */
export interface PageOptions {
  /** Gets what it takes to connect, from the development server. Each is used once. */
  fetchArtifact(): Promise<unknown>;
  connect(artifact: unknown): Promise<Client>;
}

const sampleBytes = 4 * 1024 * 1024;

function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as T;
}

function tell(id: string, text: string, failed = false): void {
  const output = element(id);
  output.textContent = text;
  output.classList.toggle("failed", failed);
}

function explain(error: unknown): string {
  if (error instanceof FlowersecError) return `${error.stage}: ${error.code}`;
  return error instanceof Error ? error.message : String(error);
}

/** The panel: a plain message, and the record that carried it. */
function showRecord(what: string, plain: Uint8Array, record: SeenMessage | undefined): void {
  if (record === undefined) return;
  element("seen-what").textContent = `${what}: ${plain.length} bytes of message, a record of ${record.length} bytes`;
  element("seen-plain").textContent = hexRows(plain);
  element("seen-record").textContent = hexRows(record.head, record.length);
}

const utf8 = (text: string) => new TextEncoder().encode(text);

async function sha256(file: Blob): Promise<string> {
  return hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer())));
}

function sampleFile(): File {
  const bytes = new Uint8Array(sampleBytes);
  for (let at = 0; at < bytes.length; at++) bytes[at] = (at * 31 + (at >> 8)) & 0xff;
  return new File([bytes], "sample.bin");
}

function progressOf(id: string): Progress {
  const bar = element<HTMLProgressElement>(id);
  return (done, total) => {
    bar.max = Math.max(1, total);
    bar.value = done;
  };
}

class Page {
  private artifact: unknown;
  private client: Client | undefined;
  private uploadedDigest = "";
  private downloadUrl: string | undefined;

  constructor(private readonly options: PageOptions) {
    this.onClick("fetch", "status", () => this.fetchArtifact());
    this.onClick("connect", "status", () => this.connect());
    this.onClick("close", "status", () => this.close());
    this.onClick("ping", "rpc-response", () => this.ping());
    this.onClick("echo", "echo-response", () => this.echo());
    this.onClick("upload", "upload-result", () => this.upload());
    this.onClick("download", "download-result", () => this.download());
    this.onClick("rekey", "session-result", () => this.rekey());
    this.onClick("rtt", "session-result", () => this.rtt());
    this.refresh();
  }

  /** What a button does; its failure is told in `output`, and nothing else is pressed meanwhile on the same button. */
  private onClick(id: string, output: string, action: () => Promise<void> | void): void {
    const button = element<HTMLButtonElement>(id);
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        await action();
      } catch (error) {
        tell(output, explain(error), true);
      } finally {
        button.disabled = false;
        this.refresh();
      }
    });
  }

  private refresh(): void {
    const isConnected = this.client !== undefined;
    const enable = (id: string, enabled: boolean) => (element<HTMLButtonElement>(id).disabled = !enabled);
    enable("fetch", !isConnected);
    enable("connect", !isConnected && this.artifact !== undefined);
    for (const id of ["close", "ping", "echo", "upload", "download", "rekey", "rtt"]) enable(id, isConnected);
  }

  private connected(): Client {
    if (this.client === undefined) throw new Error("not connected");
    return this.client;
  }

  private async fetchArtifact(): Promise<void> {
    tell("status", "asking for an artifact");
    this.artifact = await this.options.fetchArtifact();
    tell("status", "artifact ready: it can be used once");
  }

  private async connect(): Promise<void> {
    tell("status", "connecting");
    const { artifact } = this;
    this.artifact = undefined;
    const client = await this.options.connect(artifact);
    this.client = client;
    void client.ended.then((why) => this.onEnd(client, why));
    demoOf(client).onHello((message) => tell("rpc-notify", `rpc notify: ${JSON.stringify(message)}`));
    tell("status", `connected (${client.path})`);
  }

  private close(): void {
    const client = this.connected();
    this.client = undefined;
    client.close();
    tell("status", "closed");
  }

  private onEnd(client: Client, why: FlowersecError | undefined): void {
    if (this.client !== client) return;
    this.client = undefined;
    tell("status", `the connection ended: ${explain(why)}`, true);
    this.refresh();
  }

  private async ping(): Promise<void> {
    const demo = demoOf(this.connected());
    const { result, record } = await longestRecordDuring("sent", () => demo.ping({}, { timeoutMs: 5_000 }));
    tell("rpc-response", `rpc response: ${JSON.stringify(result)}`);
    showRecord("call", utf8("{}"), record);
  }

  private async echo(): Promise<void> {
    const text = element<HTMLInputElement>("echo-text").value;
    const { result, record } = await longestRecordDuring("sent", () => echo(this.connected(), text));
    tell("echo-response", `echo response: ${JSON.stringify(result)}`);
    showRecord("echo", utf8(text), record);
  }

  private async upload(): Promise<void> {
    const file = element<HTMLInputElement>("file").files?.[0] ?? sampleFile();
    tell("upload-result", `sending ${file.name}`);
    const { record } = await longestRecordDuring("sent", () => upload(this.connected(), file, progressOf("upload-progress")));
    this.uploadedDigest = await sha256(file);
    tell("upload-result", `uploaded ${file.name}: ${file.size} bytes, SHA-256 ${this.uploadedDigest}`);
    showRecord("upload", new Uint8Array(await file.slice(0, record?.length ?? 0).arrayBuffer()), record);
  }

  private async download(): Promise<void> {
    tell("download-result", "receiving");
    const { result: file, record } = await longestRecordDuring("received", () => download(this.connected(), progressOf("download-progress")));
    const digest = await sha256(file);
    const verdict = digest === this.uploadedDigest ? "the same bytes as were uploaded" : "NOT what was uploaded";
    tell("download-result", `downloaded ${file.name}: ${file.size} bytes, ${verdict}`, digest !== this.uploadedDigest);
    showRecord("download", new Uint8Array(await file.slice(0, record?.length ?? 0).arrayBuffer()), record);
    this.offer(file);
  }

  private offer(file: File): void {
    if (this.downloadUrl !== undefined) URL.revokeObjectURL(this.downloadUrl);
    this.downloadUrl = URL.createObjectURL(file);
    const link = element<HTMLAnchorElement>("save");
    link.href = this.downloadUrl;
    link.download = file.name;
    link.hidden = false;
  }

  private async rekey(): Promise<void> {
    await this.connected().rekey();
    tell("session-result", "rekey: our direction has a new key");
  }

  private async rtt(): Promise<void> {
    const milliseconds = await this.connected().probeLiveness();
    tell("session-result", `rtt: ${milliseconds.toFixed(2)} ms`);
  }
}

/** Brings the page to life. */
export function startPage(options: PageOptions): void {
  installTap();
  new Page(options);
}

/** JSON from the development server; its error text when it refuses. */
export async function askServer(path: string, init?: RequestInit): Promise<Record<string, unknown>> {
  const response = await fetch(path, { cache: "no-store", ...init });
  const body = (await response.json()) as Record<string, unknown>;
  if (response.ok) return body;
  const { message } = body["error"] as { message: string };
  throw new Error(message);
}
