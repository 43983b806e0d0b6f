// The program of CONTROLPLANE, "In TypeScript", run whole.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { encodeBase64url, randomBytes, utf8 } from "../base/index.js";
import type { ConnectArtifact } from "../endpoint/artifact.js";
import type { ChannelInitGrant } from "../gen/flowersec/controlplane/v1.gen.js";
import { verifyToken } from "../token/verify.js";
import { createArtifactEndpoint, requireBearerKey, type ArtifactEndpointOptions, type ArtifactQuestion } from "./artifact_endpoint.js";
import { ControlplaneRequestError, requestConnectArtifact } from "./artifact_request.js";
import { ChannelInitService } from "./channel_init.js";
import { ControlplaneCodecError } from "./codec.js";
import { IssuerKeyset } from "./issuer_keyset.js";
import { createNodeArtifactEndpoint } from "./node/artifact_endpoint.js";
import { chooseTunnel } from "./tunnel_choice.js";

const randomChannelId = () => encodeBase64url(randomBytes(24));

// [endpoint]
/** Endpoints that wait for grants, by their id. */
type Endpoints = ReadonlyMap<string, (grant: ChannelInitGrant) => Promise<void>>;

function artifactHooks(issuer: IssuerKeyset, tunnels: readonly string[], endpoints: Endpoints, key: string): ArtifactEndpointOptions<unknown> {
  return {
    validate: requireBearerKey(key),
    async issue({ endpointId, correlation }: ArtifactQuestion): Promise<ConnectArtifact> {
      const deliver = endpoints.get(endpointId);
      if (deliver === undefined) throw new ControlplaneCodecError(503, "unavailable", "no such endpoint is connected");
      const channelId = randomChannelId();
      const service = new ChannelInitService(issuer, {
        tunnelUrl: chooseTunnel(channelId, tunnels), tunnelAudience: "flowersec-tunnel:prod", issuerId: "issuer-prod",
      });
      const { client, server } = service.issue(channelId);
      await deliver(server); // only then the client is answered
      return { v: 1, transport: "tunnel", tunnel_grant: client, correlation: { v: 1, trace_id: correlation?.traceId ?? "", tags: [] } };
    },
  };
}
// [endpoint]

const issuer = IssuerKeyset.random("k1");
const tunnels = ["wss://t1.example.test/ws", "wss://t2.example.test/ws"];
const delivered: ChannelInitGrant[] = [];
const endpoints: Endpoints = new Map([["laptop", async (grant) => void delivered.push(grant)]]);
const bearerKey = "key-1";
const hooks = artifactHooks(issuer, tunnels, endpoints, bearerKey);

// [serve]
const artifacts = createNodeArtifactEndpoint(hooks);
const server = createServer((request, response) => {
  if (request.url === "/v1/connect/artifact") return artifacts(request, response);
  response.writeHead(404).end();
});
// [serve]

server.listen(0, "127.0.0.1");
await once(server, "listening");
after(() => server.close());
const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

// [ask]
function ask(endpointId: string, key: string): Promise<ConnectArtifact> {
  return requestConnectArtifact({ baseUrl, endpointId, headers: { Authorization: `Bearer ${key}` }, allowLoopbackHTTP: true });
}
// [ask]

test("a client gets its grant when the endpoint has the other one", async () => {
  const artifact = await ask("laptop", bearerKey);
  const theirs = delivered.pop();
  assert.ok(artifact.transport === "tunnel" && theirs !== undefined);
  const { tunnel_grant: mine, correlation } = artifact;
  assert.deepEqual([mine.role, theirs.role, mine.channel_id, correlation], [1, 2, theirs.channel_id, { v: 1, tags: [] }]);
  assert.equal(mine.tunnel_url, chooseTunnel(mine.channel_id, tunnels));
  assert.equal(verifyToken(mine.token, issuer.publicKeys(), { audience: "flowersec-tunnel:prod", issuer: "issuer-prod" }).channel_id, mine.channel_id);
});

test("an unknown endpoint and a wrong key are refused in words", async () => {
  const refused = (status: number, code: string) => (error: unknown) => {
    assert.ok(error instanceof ControlplaneRequestError);
    assert.deepEqual([error.status, error.code], [status, code]);
    return true;
  };
  await assert.rejects(ask("tower", bearerKey), refused(503, "unavailable"));
  await assert.rejects(ask("laptop", "key-2"), refused(401, "unauthorized"));
  assert.equal(delivered.length, 0);
});

test("the same hooks serve Request and Response", async () => {
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${bearerKey}` };
  const response = await createArtifactEndpoint(hooks)(new Request(baseUrl, { method: "POST", headers, body: '{"endpoint_id":"laptop","correlation":{"trace_id":"trace-0001"}}' }));
  assert.equal(response.status, 200);
  assert.deepEqual(((await response.json()) as { connect_artifact: ConnectArtifact }).connect_artifact.correlation, { v: 1, trace_id: "trace-0001", tags: [] });
  assert.ok(utf8(delivered.pop()?.token ?? "").length > 0);
});
