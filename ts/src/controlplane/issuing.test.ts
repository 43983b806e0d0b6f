import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeBase64url, encodeBase64url, fromUtf8 } from "../base/index.js";
import { ed25519PublicKey } from "../crypto/noble/ed25519.js";
import { assertChannelInitGrant, type ChannelInitGrant } from "../gen/flowersec/controlplane/v1.gen.js";
import { readSharedJson } from "../testing/repository.js";
import { SecretWatch } from "../testing/secret_watch.js";
import { verifyToken } from "../token/verify.js";
import { ChannelInitService, type ChannelInitParams } from "./channel_init.js";
import { IssuerKeyset } from "./issuer_keyset.js";

const seedOf = (byte: number) => new Uint8Array(32).fill(byte);
/** Looks for keys and grants of these tests in every refusal. */
const watch = new SecretWatch(encodeBase64url(seedOf(1)), encodeBase64url(seedOf(2)), encodeBase64url(seedOf(3)), "ICEiIyQlJicoKSorLC0uLzAxMjM");
const isSilent = (error: unknown) => (watch.look(error), true);
const publicOf = (byte: number) => ed25519PublicKey(seedOf(byte));
const payload = { aud: "a", channel_id: "c", role: 1, token_id: "t", init_exp: 100, idle_timeout_seconds: 1, iat: 1, exp: 50 };
const kids = (keyset: IssuerKeyset) => [keyset.currentKID(), ...keyset.publicKeys().keys()];

test("a keyset's life: publish, rotate, retire", () => {
  const keyset = new IssuerKeyset(" k1 ", seedOf(1));
  assert.deepEqual(kids(keyset), ["k1", "k1"]);
  keyset.addVerificationKey("k2", publicOf(2));
  assert.deepEqual(kids(keyset), ["k1", "k1", "k2"]);
  keyset.rotate("k2", seedOf(2));
  assert.deepEqual(kids(keyset), ["k2", "k1", "k2"]);
  assert.equal(verifyToken(keyset.sign({ ...payload, kid: "k1" }), keyset.publicKeys(), { nowUnixS: 10 }).kid, "k2");
  keyset.retireVerificationKey("k1");
  assert.deepEqual(kids(keyset), ["k2", "k2"]);
});

test("what breaks a rule of the keyset changes nothing", () => {
  const keyset = new IssuerKeyset("k1", seedOf(1));
  keyset.addVerificationKey("k2", publicOf(2));
  keyset.addVerificationKey("k2", publicOf(2));
  const refused: (() => void)[] = [
    () => keyset.addVerificationKey("k2", publicOf(3)),
    () => keyset.addVerificationKey(" ", publicOf(3)),
    () => keyset.addVerificationKey("k3", new Uint8Array(31)),
    () => keyset.rotate("k3", seedOf(3)),
    () => keyset.rotate("k2", seedOf(3)),
    () => keyset.rotate("k2", new Uint8Array(64)),
    () => keyset.retireVerificationKey("k1"),
    () => keyset.retireVerificationKey("k3"),
    () => new IssuerKeyset("", seedOf(1)),
    () => new IssuerKeyset("k", new Uint8Array(64)),
  ];
  for (const each of refused) assert.throws(each, isSilent);
  assert.deepEqual(kids(keyset), ["k1", "k1", "k2"]);
});

test("public keys are a copy, sorted by id", () => {
  const keyset = new IssuerKeyset("b", seedOf(1));
  keyset.addVerificationKey("a", publicOf(2));
  keyset.addVerificationKey("B", publicOf(3));
  keyset.publicKeys().get("a")?.fill(0);
  keyset.publicKeys().clear();
  assert.deepEqual([...keyset.publicKeys()], [["B", publicOf(3)], ["a", publicOf(2)], ["b", publicOf(1)]]);
});

test("the tunnel's keyset file, byte for byte", () => {
  const keyset = new IssuerKeyset("k1", Uint8Array.from({ length: 32 }, (_, i) => 0x20 + i));
  assert.equal(
    new TextDecoder().decode(keyset.exportTunnelKeyset()),
    '{\n  "keys": [\n    {\n      "kid": "k1",\n      "pubkey_b64u": "Kay64UG8yvCyLhqU000LxzYeUm0L_hLIl5S8kyKWbdc"\n    }\n  ]\n}',
  );
});

test("the private key file, byte for byte and back; a wrong one is refused without a word of the key", () => {
  const seed = Uint8Array.from({ length: 32 }, (_, i) => 0x20 + i);
  const text = '{\n  "kid": "k1",\n  "privkey_b64u": "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8prLrhQbzK8LIuGpTTTQvHNh5SbQv-EsiXlLyTIpZt1w"\n}';
  assert.equal(fromUtf8(new IssuerKeyset(" k1 ", seed).exportPrivateKeyFile()), text);
  const again = IssuerKeyset.fromPrivateKeyFile(text);
  assert.equal(fromUtf8(again.exportPrivateKeyFile()), text);
  assert.deepEqual(again.publicKeys(), new IssuerKeyset("k1", seed).publicKeys());
  const bad: [string, string][] = [
    ["a public half of another key", text.replace("t1w", "t1g")], ["a seed of another key", text.replace("ICEi", "ICFi")], ["63 bytes", text.replace("t1w", "t1")],
    ["padding", text.replace("t1w", "t1w==")], ["a stranger", text.replace("{", '{"more":1,')], ["no kid", text.replace('"kid"', '"key"')],
    ["a blank kid", text.replace('"k1"', '" "')], ["two objects", `${text}{}`], ["half a text", text.slice(0, 60)], ["another ending", text.replace('w"\n}', "w'\n}")], ["nothing", ""],
  ];
  for (const [name, broken] of bad) {
    assert.notEqual(broken, text, name);
    assert.throws(() => IssuerKeyset.fromPrivateKeyFile(broken), (error) => error instanceof Error && isSilent(error) && !/ICE|JCU|LyTI/.test(`${error.message} ${String(error.cause)}`), name);
  }
  again.dispose();
  assert.throws(() => again.exportPrivateKeyFile(), { message: "the keyset is disposed" });
});

test("the seed is copied in, and gone after dispose", () => {
  const seed = seedOf(1);
  const keyset = new IssuerKeyset("k1", seed);
  seed.fill(9);
  assert.doesNotThrow(() => verifyToken(keyset.sign(payload), { k1: publicOf(1) }, { nowUnixS: 10 }));
  keyset.dispose();
  keyset.dispose();
  for (const each of [
    () => keyset.currentKID(), () => keyset.publicKeys(), () => keyset.sign(payload), () => keyset.addVerificationKey("k2", publicOf(2)),
    () => keyset.rotate("k1", seedOf(1)), () => keyset.retireVerificationKey("k2"), () => keyset.exportTunnelKeyset(),
  ]) {
    assert.throws(each, { message: "the keyset is disposed" });
  }
});

test("random keysets differ", () => {
  assert.notDeepEqual(IssuerKeyset.random("k").publicKeys(), IssuerKeyset.random("k").publicKeys());
});

// ---- grants

const now = 1_700_000_000;
const params: ChannelInitParams = { tunnelUrl: "wss://tunnel.example/ws", tunnelAudience: "aud", issuerId: "iss" };
const issuer = new IssuerKeyset("k1", seedOf(1));
const service = (more: Partial<ChannelInitParams> = {}, at = now) => new ChannelInitService(issuer, { ...params, ...more }, () => at);
const tokenOf = (grant: ChannelInitGrant, nowUnixS = now) => verifyToken(grant.token, issuer.publicKeys(), { nowUnixS, audience: "aud", issuer: "iss" });

test("a pair of grants shares everything but role and token", () => {
  const { client, server } = service().issue(" channel ");
  assert.deepEqual({ ...client, token: "", role: 0 }, { ...server, token: "", role: 0 });
  assertChannelInitGrant(client);
  assert.deepEqual(
    { ...client, token: "", e2ee_psk_b64u: "" },
    {
      tunnel_url: "wss://tunnel.example/ws", channel_id: "channel", channel_init_expire_at_unix_s: now + 120, idle_timeout_seconds: 60, role: 1,
      token: "", e2ee_psk_b64u: "", allowed_suites: [1], default_suite: 1,
    },
  );
  assert.equal(decodeBase64url(client.e2ee_psk_b64u)?.length, 32);
  const tokens = [tokenOf(client), tokenOf(server)] as const;
  for (const token of tokens) {
    const { role, token_id, ...rest } = token;
    assert.deepEqual(rest, { kid: "k1", aud: "aud", iss: "iss", channel_id: "channel", init_exp: now + 120, idle_timeout_seconds: 60, iat: now, exp: now + 60 });
    assert.equal(decodeBase64url(token_id)?.length, 24);
  }
  assert.deepEqual(tokens.map(({ role }) => role), [1, 2]);
  assert.notEqual(tokens[0].token_id, tokens[1].token_id);
});

test("every call makes a new key and new tokens", () => {
  const one = service().issue("c");
  const two = service().issue("c");
  assert.notEqual(one.client.e2ee_psk_b64u, two.client.e2ee_psk_b64u);
  assert.notEqual(tokenOf(one.client).token_id, tokenOf(two.client).token_id);
});

test("a token never outlives the channel's window", () => {
  for (const [tokenExpSeconds, life] of [[0, 60], [1, 1], [120, 120], [121, 120], [Number.MAX_SAFE_INTEGER, 120]] as const) {
    assert.equal(tokenOf(service({ tokenExpSeconds }).issue("c").client).exp, now + life);
  }
});

test("idle timeout and suites come from the parameters", () => {
  const { client } = service({ idleTimeoutSeconds: 5, allowedSuites: [2, 1, 2], defaultSuite: 1 }).issue("c");
  assert.deepEqual([client.idle_timeout_seconds, client.allowed_suites, client.default_suite], [5, [2, 1], 1]);
  assert.equal(service({ allowedSuites: [2, 1] }).issue("c").client.default_suite, 2);
  assert.deepEqual(service({ allowedSuites: [] }).issue("c").client.allowed_suites, [1]);
});

interface InitOutcome {
  readonly grant?: Partial<ChannelInitGrant>;
  readonly token?: object;
  readonly refused?: string;
}
interface InitCase extends InitOutcome {
  readonly name: string;
  readonly parameters: Readonly<Record<string, never>>;
  readonly channel_id?: string;
  readonly after_s?: number;
  /** What replaces the rest here. */
  readonly ts?: InitOutcome;
}
const table = readSharedJson("testdata/channel_init_cases.json") as InitCase & { now: number; issue: InitCase[]; reissue: InitCase[] };

function serviceOf(parameters: InitCase["parameters"], at: number): ChannelInitService {
  const { tunnel_url, audience, issuer: issuerId, token_lifetime_s, idle_timeout_s, clock_skew_ms, allowed_suites, default_suite } = { ...table.parameters, ...parameters };
  const given = {
    tunnelUrl: tunnel_url, tunnelAudience: audience, issuerId, tokenExpSeconds: token_lifetime_s, idleTimeoutSeconds: idle_timeout_s,
    clockSkewMs: clock_skew_ms, allowedSuites: allowed_suites, defaultSuite: default_suite,
  };
  return new ChannelInitService(issuer, given as never, () => at);
}

/** What a token says, its texts as they were signed. */
function written(token: string): Record<string, unknown> & { token_id: string } {
  return JSON.parse(fromUtf8(decodeBase64url(token.split(".")[1] ?? "") ?? new Uint8Array())) as ReturnType<typeof written>;
}

/** What a refusal says of each part that is wrong. */
const refusals: Readonly<Record<string, RegExp>> = {
  tunnel_url: /^tunnelUrl /, audience: /^tunnelAudience /, issuer: /^issuerId /, token_lifetime: /^tokenExpSeconds /, idle_timeout: /^idleTimeoutSeconds |^bad idle timeout$/,
  clock_skew: /^clockSkewMs /, suite: /suite$/, channel_id: /channel id/, token: /invalid_format/, expired: /expired$/, role: /role$/,
};
const isRefused = (refused: string) => (error: unknown) => (watch.look(error), assert.match(String((error as { code?: string }).code ?? (error as Error).message), refusals[refused] ?? /no such/), true);

test("there are grants in the table", () => assert.ok(table.issue.length >= 40 && table.reissue.length >= 15));
for (const { name, parameters, channel_id = "channel", ts, ...both } of table.issue) {
  const { grant, token, refused } = ts ?? both;
  test(`issuing: ${name}`, () => {
    const issue = () => serviceOf(parameters, table.now).issue(channel_id);
    if (refused !== undefined) return assert.throws(issue, isRefused(refused));
    const { client, server } = issue();
    for (const [each, role] of [[client, 1], [server, 2]] as const) {
      assert.deepEqual(each, { ...table.grant, ...grant, role, token: each.token, e2ee_psk_b64u: client.e2ee_psk_b64u });
      const { kid, token_id, ...said } = written(each.token);
      assert.deepEqual([kid, said], ["k1", { ...table.token, ...token, role }]);
      assert.equal(decodeBase64url(token_id)?.length, 24);
    }
  });
}
for (const { name, parameters, after_s = 0, grant, ts, ...both } of table.reissue) {
  const { token, refused } = ts ?? both;
  test(`reissuing: ${name}`, () => {
    const { server } = serviceOf({}, table.now).issue("channel");
    watch.remember(server.token, server.e2ee_psk_b64u);
    const before = { ...server, ...grant };
    const reissue = () => serviceOf(parameters, table.now + after_s).reissue(before);
    if (refused !== undefined) return assert.throws(reissue, isRefused(refused));
    const after = reissue();
    assert.deepEqual({ ...after, token: "" }, { ...before, token: "" });
    const { kid, token_id, ...said } = written(after.token);
    assert.deepEqual([kid, said], ["k1", { ...table.token, ...token, role: 2 }]);
    assert.notEqual(token_id, written(before.token).token_id);
  });
}

const badParams: [string, Partial<ChannelInitParams>][] = [
  ["no URL", { tunnelUrl: "" }], ["a blank URL", { tunnelUrl: "\u3000" }], ["a blank audience", { tunnelAudience: " \t" }], ["a blank issuer id", { issuerId: "\n" }], ["a URL that is no text", { tunnelUrl: 5 as never }], ["no audience", { tunnelAudience: "" }], ["no issuer id", { issuerId: "" }],
  ["token life below 0", { tokenExpSeconds: -1 }], ["token life of a half", { tokenExpSeconds: 0.5 }], ["idle below 0", { idleTimeoutSeconds: -1 }],
  ["idle past 32 bits", { idleTimeoutSeconds: 2 ** 31 }], ["skew below 0", { clockSkewMs: -1 }], ["suite 3", { allowedSuites: [3] }],
  ["suite 0 alone", { allowedSuites: [0] }], ["suite 0 among others", { allowedSuites: [1, 0] }], ["default 0", { defaultSuite: 0 }], ["default null", { defaultSuite: null as never }], ["default outside", { allowedSuites: [1], defaultSuite: 2 }],
];
for (const [name, bad] of badParams) test(`parameters refused: ${name}`, () => assert.throws(() => service(bad), isSilent));

test("channel ids have 1 to 256 bytes, clocks whole seconds", () => {
  for (const id of ["", " ", "x".repeat(257), "ä".repeat(129)]) assert.throws(() => service().issue(id), isSilent);
  assert.doesNotThrow(() => service().issue(` ${"x".repeat(256)} `));
  for (const at of [0, -1, 1.5, NaN]) assert.throws(() => service({}, at).issue("c"), isSilent);
});

test("reissue keeps everything but the token, up to the window and the skew", () => {
  const { server } = service().issue("c");
  const again = service({ clockSkewMs: 1500 }, now + 100).reissue(server);
  assert.deepEqual({ ...again, token: "" }, { ...server, token: "" });
  const token = tokenOf(again, now + 100);
  assert.notEqual(token.token_id, tokenOf(server).token_id);
  assert.deepEqual([token.iat, token.exp, token.role], [now + 100, now + 120, 2]);
  const late = tokenOf(service({ clockSkewMs: 1500 }, now + 122).reissue(server), now + 120);
  assert.deepEqual([late.iat, late.exp], [now + 120, now + 120]);
  assert.throws(() => service({ clockSkewMs: 1500 }, now + 123).reissue(server), { message: "channel init expired" });
  assert.throws(() => service().reissue({ ...server, idle_timeout_seconds: 0 }));
  assert.throws(() => service().reissue({ ...server, role: 3 as never }));
});
