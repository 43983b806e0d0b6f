// Artifacts, grants and requests: what is written is read; anything else is refused in the one way each of them has.
import assert from "node:assert/strict";
import fc from "fast-check";
import { FlowersecError, fromUtf8, utf8 } from "../base/index.js";
import { assertConnectArtifact, type ConnectArtifact } from "../endpoint/artifact.js";
import { checkGrant, checkInfo } from "../endpoint/inputs.js";
import { bytes, changed, changedJson, changedText, count, eventually, isOneOf, json, property, record, refusedOr, wholeText, wildText } from "../testing/properties.js";
import { ControlplaneRequestError, requestConnectArtifact } from "./artifact_request.js";
import { decodeArtifactEnvelope, decodeConnectArtifact, encodeConnectArtifact } from "./artifact_text.js";
import { ControlplaneCodecError, decodeArtifactRequest, encodeArtifactEnvelope } from "./codec.js";

const psk = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA";
const grants = () => record({
  tunnel_url: wholeText(1), channel_id: wholeText(1), channel_init_expire_at_unix_s: count(1), idle_timeout_seconds: count(1, 2 ** 31 - 1),
  role: fc.constant(1 as const), token: wholeText(1), e2ee_psk_b64u: fc.constant(psk),
  allowed_suites: fc.constantFrom<(1 | 2)[]>([1], [1, 2], [2, 1]), default_suite: fc.constant(1 as const),
});
const infos = () => record({
  ws_url: wholeText(1), channel_id: wholeText(1), e2ee_psk_b64u: fc.constant(psk), channel_init_expire_at_unix_s: count(1), default_suite: fc.constantFrom<1 | 2>(1, 2),
});
const word = (most: number) => fc.stringMatching(new RegExp(`^[a-z][a-z0-9._-]{0,${most}}$`));
const distinct = <Value>(made: fc.Arbitrary<Value>, by: (value: Value) => unknown) => fc.uniqueArray(made, { maxLength: 8, selector: by });
const extras = () => ({
  scoped: distinct(record({ scope: word(20), scope_version: count(1, 65_535), critical: fc.boolean(), payload: fc.dictionary(wholeText(0, 8), fc.oneof(fc.integer(), wholeText(0, 8), fc.constant(null)), { maxKeys: 4, noNullPrototype: true }) }), ({ scope }) => scope),
  correlation: record({
    v: fc.constant(1 as const), trace_id: fc.stringMatching(/^[A-Za-z0-9._~-]{8,128}$/), session_id: fc.stringMatching(/^[A-Za-z0-9._~-]{8,128}$/),
    tags: distinct(record({ key: word(20), value: wholeText(0, 20) }), ({ key }) => key),
  }),
});
const v = fc.constant(1 as const);
const optional = (body: string) => ({ requiredKeys: ["v", "transport", body] as never[] });
const artifacts = () => fc.oneof(
  record({ v, transport: fc.constant("tunnel" as const), tunnel_grant: grants(), ...extras() }, optional("tunnel_grant")),
  record({ v, transport: fc.constant("direct" as const), direct_info: infos(), ...extras() }, optional("direct_info")),
) as unknown as fc.Arbitrary<ConnectArtifact>;

const isBad = (error: unknown) => error instanceof Error && /^bad [A-Z]\w+/.test(error.message);

property("an artifact comes back as it was written", [artifacts()], (artifact) => {
  const text = encodeConnectArtifact(artifact);
  const read = decodeConnectArtifact(text);
  assert.deepEqual(read, JSON.parse(text));
  assert.equal(encodeConnectArtifact(read), text);
  assert.deepEqual(decodeArtifactEnvelope(encodeArtifactEnvelope(artifact)), read);
});

const texts = () => fc.oneof(
  wildText(),
  json().map((value) => JSON.stringify(value)),
  changedText(artifacts().map(encodeConnectArtifact)),
  changedJson(artifacts()).map((value) => JSON.stringify(value)),
);

property("any text, and artifacts with something changed: an artifact that is written as it was read, or `bad <kind>`", [texts()], (text) => {
  const artifact = refusedOr(() => decodeConnectArtifact(text), isBad);
  if (artifact !== undefined) assert.deepEqual(decodeConnectArtifact(encodeConnectArtifact(artifact)), artifact);
  refusedOr(() => decodeArtifactEnvelope(`{"connect_artifact":${text}}`), (error) => isBad(error) || /missing connect_artifact/.test(String(error)));
});

property("any value as an artifact: it is one, or `bad <kind>`", [fc.oneof(fc.anything(), changedJson(artifacts()))], (value) => {
  const artifact = refusedOr(() => assertConnectArtifact(value), isBad);
  if (artifact !== undefined) assert.ok(artifact.transport === "tunnel" || artifact.transport === "direct");
});

const isOfValidation = (error: unknown) => error instanceof FlowersecError && error.stage === "validate";

property("any value as a grant or info: a plan, or a FlowersecError of stage validate", [fc.oneof(fc.anything(), changedJson(grants()), changedJson(infos())), fc.constantFrom<1 | 2>(1, 2)], async (value, role) => {
  const plan = await eventually(() => checkGrant(value, role, undefined), isOfValidation);
  if (plan !== undefined) assert.ok(plan.psk.length === 32 && plan.role === role && plan.channelId !== "");
  const direct = await eventually(() => checkInfo(value), isOfValidation);
  if (direct !== undefined) assert.ok(direct.psk.length === 32 && direct.channelId !== "");
});

const request = { endpoint_id: "server-1", payload: { a: [1] }, correlation: { trace_id: "trace-0001" } };
const bodies = () => fc.oneof(
  bytes(),
  wildText().map((text) => utf8(text)),
  changed(fc.constant(utf8(JSON.stringify(request)))),
  changedJson(fc.constant(request)).map((value) => utf8(JSON.stringify(value))),
);

property("any body, and requests with something changed: a question, or a ControlplaneCodecError", [fc.constantFrom("application/json", "application/json; charset=utf-8", "text/plain", ""), bodies(), fc.nat(400)], (type, body, most) => {
  const read = refusedOr(() => decodeArtifactRequest(type, body, most), isOneOf(ControlplaneCodecError));
  if (read !== undefined) assert.ok(body.length <= (most || 32_768) && read.endpointId.trim() === read.endpointId && read.endpointId !== "");
});

const answers = () => fc.oneof(
  bytes(), wildText().map((text) => utf8(text)),
  changed(artifacts().map((artifact) => utf8(encodeArtifactEnvelope(artifact)))),
  changedJson(fc.constant({ error: { code: "denied", message: "no" } })).map((value) => utf8(JSON.stringify(value))),
);

property("any answer of a control plane: an artifact, a ControlplaneRequestError for its status, or an Error that says what is bad", [fc.constantFrom(200, 201, 299, 302, 400, 404, 500), answers()], async (status, body) => {
  const post = () => Promise.resolve(new Response(new Uint8Array(body), { status }));
  const request = () => requestConnectArtifact({ baseUrl: "https://plane.example", endpointId: "e", fetch: post as unknown as typeof fetch });
  const isText = refusedOr(() => fromUtf8(body), isOneOf(TypeError)) !== undefined;
  const isRefusal = (error: unknown) => (status > 299 ? error instanceof ControlplaneRequestError && error.status === status : isBad(error) || (!isText && error instanceof TypeError) || /^invalid controlplane response/.test((error as Error).message));
  const artifact = await eventually(request, isRefusal);
  if (artifact !== undefined) assert.deepEqual(assertConnectArtifact(artifact), artifact);
});
