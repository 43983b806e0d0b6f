// Grants for the two ends of a channel.
// Layer controlplane. Source: PROTOCOL, "Issuing".

import { encodeBase64url, maxChannelIdBytes, pskBytes, randomBytes, systemClock, trimmed, utf8 } from "../base/index.js";
import { isSuite, Role, type ChannelInitGrant, type Suite } from "../gen/flowersec/controlplane/v1.gen.js";
import type { IssuerKeyset } from "./issuer_keyset.js";

/** How long both ends have to meet, in seconds. */
export const CHANNEL_INIT_WINDOW_SECONDS = 120;
/** Seconds of silence after which a tunnel closes a channel, where ChannelInitParams say nothing else. */
export const DEFAULT_IDLE_TIMEOUT_SECONDS = 60;
/** Seconds that a token may be used, where ChannelInitParams say nothing else; never beyond the init window. */
export const DEFAULT_TOKEN_EXP_SECONDS = 60;

const tokenIdBytes = 24;
const maxIdleSeconds = 2 ** 31 - 1;

/** What all channels of a ChannelInitService have in common. Texts are trimmed and not blank; times are whole seconds. */
export interface ChannelInitParams {
  /** WebSocket URL of the tunnel. */
  tunnelUrl: string;
  /** What the tunnel expects as aud and iss of a token. */
  tunnelAudience: string;
  issuerId: string;
  /** 0 or absent: 60. */
  tokenExpSeconds?: number;
  /** Silence after which the tunnel closes the channel. 0 or absent: 60. */
  idleTimeoutSeconds?: number;
  /** How far past its window a grant may be reissued; rounded up to whole seconds, default 0. */
  clockSkewMs?: number;
  /** Each once, in this order. Default, when there are none: X25519 alone. */
  allowedSuites?: readonly number[];
  /** Absent: the first allowed one. */
  defaultSuite?: number;
}

/** Unix time in whole seconds. */
export type UnixClock = () => number;

/** Keeps nothing: each call makes a new key and new tokens. Throws Error for parameters and arguments that break a rule. */
export class ChannelInitService {
  private readonly params: Required<Omit<ChannelInitParams, "allowedSuites" | "defaultSuite" | "clockSkewMs">>;
  private readonly skewSeconds: number;
  private readonly suites: Suite[];
  private readonly defaultSuite: Suite;

  constructor(
    private readonly issuer: IssuerKeyset,
    params: ChannelInitParams,
    private readonly clock: UnixClock = () => systemClock.unixSeconds(),
  ) {
    if (issuer === undefined || issuer === null) throw new Error("the issuer is required");
    this.params = {
      tunnelUrl: required("tunnelUrl", params.tunnelUrl),
      tunnelAudience: required("tunnelAudience", params.tunnelAudience),
      issuerId: required("issuerId", params.issuerId),
      tokenExpSeconds: seconds("tokenExpSeconds", params.tokenExpSeconds, Number.MAX_SAFE_INTEGER) || DEFAULT_TOKEN_EXP_SECONDS,
      idleTimeoutSeconds: seconds("idleTimeoutSeconds", params.idleTimeoutSeconds, maxIdleSeconds) || DEFAULT_IDLE_TIMEOUT_SECONDS,
    };
    const { clockSkewMs = 0, allowedSuites = [] } = params;
    if (!Number.isFinite(clockSkewMs) || clockSkewMs < 0) throw new Error("clockSkewMs must be at least 0");
    this.skewSeconds = Math.ceil(clockSkewMs / 1000);
    const suites = allowedSuites.length === 0 ? [1] : [...new Set(allowedSuites)];
    const { defaultSuite: suite = suites[0] } = params;
    if (!suites.every(isSuite) || !isSuite(suite) || !suites.includes(suite)) throw new Error("unsupported suite");
    this.suites = suites;
    this.defaultSuite = suite;
  }

  /** A pair of grants that differ in role and token. */
  issue(channelId: string): { client: ChannelInitGrant; server: ChannelInitGrant } {
    const channel_id = trimmed(channelId);
    if (channel_id === "" || utf8(channel_id).length > maxChannelIdBytes) throw new Error(`the channel id must have 1 to ${maxChannelIdBytes} bytes`);
    const now = this.now();
    const e2ee_psk_b64u = encodeBase64url(randomBytes(pskBytes));
    const grant = (role: Role): ChannelInitGrant => {
      const unsigned: ChannelInitGrant = {
        tunnel_url: this.params.tunnelUrl,
        channel_id,
        channel_init_expire_at_unix_s: now + CHANNEL_INIT_WINDOW_SECONDS,
        idle_timeout_seconds: this.params.idleTimeoutSeconds,
        role,
        token: "",
        e2ee_psk_b64u,
        allowed_suites: [...this.suites],
        default_suite: this.defaultSuite,
      };
      return { ...unsigned, token: this.token(unsigned, now) };
    };
    return { client: grant(Role.client), server: grant(Role.server) };
  }

  /** The same grant with a fresh token. Refused once the channel's window and the skew have passed. */
  reissue(grant: ChannelInitGrant): ChannelInitGrant {
    if (grant.role !== Role.client && grant.role !== Role.server) throw new Error("bad role");
    const now = this.now();
    if (!(grant.idle_timeout_seconds > 0)) throw new Error("bad idle timeout");
    if (now > grant.channel_init_expire_at_unix_s + this.skewSeconds) throw new Error("channel init expired");
    return { ...grant, token: this.token(grant, now) };
  }

  private token(grant: ChannelInitGrant, now: number): string {
    const init_exp = grant.channel_init_expire_at_unix_s;
    const iat = Math.min(now, init_exp);
    return this.issuer.sign({
      aud: this.params.tunnelAudience,
      iss: this.params.issuerId,
      channel_id: grant.channel_id,
      role: grant.role,
      token_id: encodeBase64url(randomBytes(tokenIdBytes)),
      init_exp,
      idle_timeout_seconds: grant.idle_timeout_seconds,
      iat,
      exp: Math.min(init_exp, iat + this.params.tokenExpSeconds),
    });
  }

  private now(): number {
    const now = this.clock();
    if (!Number.isSafeInteger(now) || now <= 0) throw new Error("the clock must give whole seconds above 0");
    return now;
  }
}

function required(name: string, value: string): string {
  const text = trimmed(value);
  if (text === "") throw new Error(`${name} is required`);
  return text;
}

function seconds(name: string, value = 0, most: number): number {
  if (!Number.isSafeInteger(value) || value < 0 || value > most) throw new Error(`${name} must be a whole number of seconds`);
  return value;
}
