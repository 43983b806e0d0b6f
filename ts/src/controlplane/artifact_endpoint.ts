// The server's side of the artifact endpoints, around the application's hooks: for servers that speak Request and Response.
// Layer controlplane. Knows neither sockets nor who may have what: that is in the hooks. Node's http is in node/.
// Source: CONTROLPLANE, "Artifact endpoints".

import { concat, constantTimeEqual, quietly, trimmed, utf8, withDeadline, type Awaitable, type Clock } from "../base/index.js";
import type { ConnectArtifact } from "../endpoint/artifact.js";
import {
  bearerToken, bodyLimit, bodyTooLarge, checkContentType, ControlplaneCodecError, decodeArtifactRequest, encodeArtifactEnvelope, encodeControlplaneError,
  type ArtifactRequest,
} from "./codec.js";

/** What is known of a caller besides the request. Texts of headers are trimmed, and the caller's choice; absent is empty. */
export interface RequestMetadata {
  /** X-Request-Id. */
  readonly requestId: string;
  /** Of the TCP peer, which may be a proxy. Empty where the platform does not tell. */
  readonly remoteAddress: string;
  readonly host: string;
  readonly origin: string;
  readonly userAgent: string;
  /** Who it is, for hooks that find out. */
  readonly subject: string;
  /** Anything else that hooks find out. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** What an application decides on. */
export interface ArtifactQuestion extends ArtifactRequest {
  /** It came to the entry endpoint. */
  readonly isEntry: boolean;
  /** Bearer ticket, on either endpoint; empty when there was none. */
  readonly ticket: string;
  readonly metadata: RequestMetadata;
  /** Fires when the caller has gone, where the platform tells. */
  readonly signal: AbortSignal;
}

/**
 * A hook that throws ControlplaneCodecError answers in its own words: a status outside 400 to 599 means 500, no code
 * internal_error, no message the hook's own answer. Whatever else it throws is answered with that, and nothing about why.
 * `Native` is the platform's request.
 */
export interface ArtifactEndpointOptions<Native> {
  /** Whether this is the entry endpoint. Default no. */
  readonly isEntry?: boolean | undefined;
  /** Most bytes of a body; 0 and absent: 32 768. At most 1 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** How long a body may take, in milliseconds. Default 10 000; 0: for ever. */
  readonly bodyTimeoutMs?: number | undefined;
  /** Adds to what the headers say. Own answer: 500 metadata_extract_failed. */
  readonly metadata?: ((request: Native, read: RequestMetadata) => Awaitable<RequestMetadata>) | undefined;
  /** Returns when the request may pass. Own answer: 400 invalid_request. */
  readonly validate?: ((question: ArtifactQuestion) => Awaitable<void>) | undefined;
  /** Gives the artifact. Without it every request is answered 500 internal_error. Own answer: 500 issue_failed. */
  readonly issue?: ((question: ArtifactQuestion) => Awaitable<ConnectArtifact>) | undefined;
  /** Told what a hook threw, and why an artifact could not be written, for a log; what it throws is swallowed. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
  /** Default: the platform's. */
  readonly clock?: Clock | undefined;
}

/** One request, whatever the platform. */
export interface IncomingArtifactRequest<Native> {
  readonly native: Native;
  readonly method: string;
  /** Empty when absent. Names are in lower case. */
  header(name: string): string;
  readonly remoteAddress: string;
  readonly signal: AbortSignal;
  /** Rejects with bodyTooLarge(limit) as soon as there is more. */
  readBody(limit: number): Promise<Uint8Array>;
  /** Nobody waits for the body any more. */
  stopReading(): void;
}

export interface ArtifactAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const defaultBodyTimeoutMs = 10_000;

/** What is in an answer is for nobody on the way to keep. */
const neverCached = {
  "Content-Type": "application/json",
  "Cache-Control": "no-store, no-cache, must-revalidate, private",
  Pragma: "no-cache",
  Expires: "0",
} as const;

/** Answers a request. Never rejects. The order of the checks is that of CONTROLPLANE, "Refusals". */
export async function answerArtifactRequest<Native>(
  options: ArtifactEndpointOptions<Native>,
  request: IncomingArtifactRequest<Native>,
): Promise<ArtifactAnswer> {
  try {
    return { status: 200, headers: neverCached, body: await issued(options, request) };
  } catch (error) {
    const { status, code, message } = error as ControlplaneCodecError;
    // RFC 9110, 15.5.2 asks for it.
    const headers = status === 401 ? { ...neverCached, "WWW-Authenticate": "Bearer" } : neverCached;
    return { status, headers, body: encodeControlplaneError(code, message) };
  }
}

/** The body of a good answer. Throws ControlplaneCodecError and nothing else. */
async function issued<Native>(options: ArtifactEndpointOptions<Native>, request: IncomingArtifactRequest<Native>): Promise<string> {
  const { metadata: metadataHook, validate, issue, onFailure } = options;
  const { native, signal } = request;
  if (request.method !== "POST") throw new ControlplaneCodecError(405, "method_not_allowed", "method must be POST");
  const contentType = request.header("content-type");
  checkContentType(contentType); // before a body is waited for
  const asked = decodeArtifactRequest(contentType, await bodyOf(options, request), options.maxBodyBytes);

  const hooked = async <T>(own: ControlplaneCodecError, hook: () => Awaitable<T>): Promise<T> => {
    try {
      return await hook();
    } catch (error) {
      quietly(() => onFailure?.(error));
      throw error instanceof ControlplaneCodecError ? answerable(error, own) : own;
    }
  };
  const read = readMetadata(request);
  const metadata = await hooked(
    new ControlplaneCodecError(500, "metadata_extract_failed", "request metadata could not be read"),
    () => metadataHook?.(native, read) ?? read,
  );
  const question: ArtifactQuestion = { ...asked, isEntry: options.isEntry ?? false, ticket: bearerToken(request.header("authorization")) ?? "", metadata, signal };
  await hooked(new ControlplaneCodecError(400, "invalid_request", "request validation failed"), () => validate?.(question));
  if (issue === undefined) throw new ControlplaneCodecError(500, "internal_error", "artifact issuer is required");
  const notIssued = new ControlplaneCodecError(500, "issue_failed", "artifact issuance failed");
  return hooked(notIssued, async () => encodeArtifactEnvelope(await issue(question)));
}

async function bodyOf<Native>(options: ArtifactEndpointOptions<Native>, request: IncomingArtifactRequest<Native>): Promise<Uint8Array> {
  const { bodyTimeoutMs: timeoutMs = defaultBodyTimeoutMs, maxBodyBytes, clock } = options;
  const limit = bodyLimit(maxBodyBytes);
  try {
    if (Number(request.header("content-length")) > limit) throw bodyTooLarge(limit);
    return await withDeadline(request.readBody(limit), { timeoutMs, signal: request.signal, clock }, () => request.stopReading());
  } catch (cause) {
    if (cause instanceof ControlplaneCodecError) throw cause;
    throw new ControlplaneCodecError(400, "invalid_body", "request could not be read", { cause });
  }
}

function readMetadata({ header, remoteAddress }: Pick<IncomingArtifactRequest<unknown>, "header" | "remoteAddress">): RequestMetadata {
  const text = (name: string) => trimmed(header(name));
  return {
    requestId: text("x-request-id"), remoteAddress: trimmed(remoteAddress), host: text("host"), origin: text("origin"), userAgent: text("user-agent"),
    subject: "", attributes: {},
  };
}

/** A hook's words, as far as they can be an answer. */
function answerable({ status, code, message }: ControlplaneCodecError, own: ControlplaneCodecError): ControlplaneCodecError {
  const isRefusal = Number.isInteger(status) && status >= 400 && status <= 599;
  return new ControlplaneCodecError(isRefusal ? status : 500, code || "internal_error", message || own.message);
}

/**
 * A handler for servers that give a Request and take a Response. Mount one for each path; which paths is the application's
 * choice. It never rejects. `remoteAddress` is for the metadata.
 */
export function createArtifactEndpoint(
  options: ArtifactEndpointOptions<Request>,
): (request: Request, from?: { readonly remoteAddress?: string | undefined }) => Promise<Response> {
  return async (request, from) => {
    const { body: stream, headers, method, signal } = request;
    const remoteAddress = typeof from?.remoteAddress === "string" ? from.remoteAddress : "";
    let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
    const stopReading = () => void reader?.cancel().catch(() => {});
    const readBody = async (limit: number): Promise<Uint8Array> => {
      const parts: Uint8Array[] = [];
      let length = 0;
      reader = stream?.getReader();
      for (;;) {
        const { done = true, value } = (await reader?.read()) ?? {};
        if (done || value === undefined) return concat(...parts);
        length += value.length;
        if (length > limit) {
          stopReading();
          throw bodyTooLarge(limit);
        }
        parts.push(value);
      }
    };
    const header = (name: string) => headers.get(name) ?? "";
    const answer = await answerArtifactRequest(options, { native: request, method, header, remoteAddress, signal, readBody, stopReading });
    return new Response(answer.body, answer);
  };
}

/** A validation hook that asks for this key as bearer ticket, compared in constant time. Its answer: 401 unauthorized. */
export function requireBearerKey(key: string): (question: Pick<ArtifactQuestion, "ticket">) => void {
  return ({ ticket }) => {
    if (key === "" || !constantTimeEqual(utf8(ticket), utf8(key))) throw new ControlplaneCodecError(401, "unauthorized", "missing or wrong bearer key");
  };
}
