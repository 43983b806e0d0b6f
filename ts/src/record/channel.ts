/** Encrypted ordered bytes over a transport, after the handshake. Signatures for those who build on it. */
export declare class SecureChannel {
  /** Feature bits both sides have set. */
  readonly commonFeatures: number;
  /** Next plaintext chunk (never empty). After the end: what was buffered, then rejects with what ended it. */
  read(): Promise<Uint8Array>;
  /** Settles when sent. Empty: nothing. RecordError outbound_overflow refuses this call only. Bytes must not change before. */
  write(bytes: Uint8Array): Promise<void>;
  sendPing(): Promise<void>;
  rekeyNow(): Promise<void>;
  /** Wipes keys, fails waiters, closes the transport. Idempotent. */
  close(): void;
}
