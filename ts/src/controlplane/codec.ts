// Bodies of the artifact endpoints, for whoever serves them: serve them as application/json and never cached.
// Layer controlplane. No HTTP here: bytes in, text out.

import { controlplaneDefaults, fromUtf8 } from "../base/index.js";
import { assertConnectArtifact, type ConnectArtifact } from "../endpoint/artifact.js";
import type { ArtifactRequestCorrelation } from "./artifact_request.js";

/** What a client asks for. */
export interface ArtifactRequest {
  endpointId: string;
  payload?: Record<string, unknown>;
  correlation?: ArtifactRequestCorrelation;
}

/** Why a request is refused: HTTP status, and code and message for encodeControlplaneError. */
export class ControlplaneCodecError extends Error {
  override readonly name = "ControlplaneCodecError";
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Reads a request. Throws ControlplaneCodecError: 415 unsupported_media_type, 413 body_too_large, 400 invalid_json, 400
 * invalid_request. `maxBodyBytes` is in bytes; 0 and below mean 32 768. Unknown keys are ignored, as is a trace id that is
 * no text.
 */
export function decodeArtifactRequest(contentType: string | null | undefined, body: Uint8Array, maxBodyBytes = 0): ArtifactRequest {
  const mediaType = (contentType ?? "").split(";")[0]?.trim().toLowerCase();
  if (mediaType !== "application/json") throw new ControlplaneCodecError(415, "unsupported_media_type", "content type must be application/json");
  const limit = maxBodyBytes > 0 ? maxBodyBytes : controlplaneDefaults.maxRequestBodyBytes;
  if (body.length > limit) throw new ControlplaneCodecError(413, "body_too_large", `request body exceeds ${limit} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(fromUtf8(body));
  } catch (cause) {
    throw new ControlplaneCodecError(400, "invalid_json", "malformed JSON request body", { cause });
  }
  if (!isObject(value)) throw new ControlplaneCodecError(400, "invalid_json", "request body must be a JSON object");
  const { endpoint_id, payload, correlation } = value;
  const endpointId = typeof endpoint_id === "string" ? endpoint_id.trim() : "";
  if (endpointId === "") throw badRequest("endpoint_id");
  if (payload !== undefined && !isObject(payload)) throw badRequest("payload");
  if (correlation !== undefined && !isObject(correlation)) throw badRequest("correlation");
  const given = correlation?.["trace_id"];
  const traceId = typeof given === "string" ? given.trim() : "";
  return { endpointId, ...(payload === undefined ? {} : { payload: { ...payload } }), ...(traceId === "" ? {} : { correlation: { traceId } }) };
}

function badRequest(field: string): ControlplaneCodecError {
  return new ControlplaneCodecError(400, "invalid_request", `bad ${field}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Body of a good answer, status 200. Throws as assertConnectArtifact does. */
export function encodeArtifactEnvelope(artifact: ConnectArtifact): string {
  return `${JSON.stringify({ connect_artifact: assertConnectArtifact(artifact) })}\n`;
}

/** Body of any other answer. */
export function encodeControlplaneError(code: string, message: string): string {
  return `${JSON.stringify({ error: { code, message } })}\n`;
}

/** The ticket of an Authorization header, or undefined: it must start with exactly `Bearer `. */
export function bearerToken(header: string | null | undefined): string | undefined {
  const text = (header ?? "").trim();
  return text.startsWith("Bearer ") ? text.slice("Bearer ".length).trim() || undefined : undefined;
}
