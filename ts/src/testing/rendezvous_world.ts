// Registries, a tunnel and clients on sockets in memory: whatever a test wants to cut, tamper with or look at.
import { IssuerKeyset } from "../controlplane/issuer_keyset.js";
import { ChannelInitService } from "../controlplane/channel_init.js";
import { Contacts, Identity, type PublicKey } from "../identity/index.js";
import type { SecureSocketOptions } from "../rendezvous/options.js";
import { RegistryServer, type RegistryServerOptions } from "../rendezvous/node/registry_server.js";
import { SecureSocketClient } from "../rendezvous/secure_socket_client.js";
import type { WebSocketFactory, WebSocketLike } from "../ws/socket.js";
import { PairedWebSocket } from "./socket_pair.js";

interface Leg {
  readonly socket: PairedWebSocket;
  readonly waiting: (string | Uint8Array)[];
  other?: Leg;
}

/** A tunnel by the book, as far as ends can see: two legs of one channel, what one says the other hears. */
export class MemoryTunnel {
  readonly channels: string[] = [];
  /** Everything that it saw. */
  readonly seen: (string | Uint8Array)[] = [];
  isDown = false;
  private readonly open = new Map<string, Leg>();
  private readonly legs = new Set<Leg>();

  accept(socket: PairedWebSocket): void {
    const leg: Leg = { socket, waiting: [] };
    let isAttached = false;
    socket.addEventListener("message", ({ data }) => {
      this.seen.push(data as string);
      if (isAttached) return leg.other ? leg.other.socket.send(data as Uint8Array<ArrayBuffer>) : void leg.waiting.push(data as string);
      isAttached = true;
      const { channel_id, role } = JSON.parse(data as string) as { channel_id: string; role: number };
      this.channels.push(`${channel_id}/${role}`);
      const other = this.open.get(channel_id);
      if (other === undefined) return void this.open.set(channel_id, leg);
      this.open.delete(channel_id);
      leg.other = other;
      other.other = leg;
      for (const early of other.waiting.splice(0)) socket.send(early);
    });
    this.legs.add(leg);
    socket.addEventListener("close", () => {
      this.legs.delete(leg);
      leg.other?.socket.close(1000);
    });
  }

  /** Cuts every channel, as a restart does. */
  cut(): void {
    this.open.clear();
    for (const { socket } of [...this.legs]) {
      this.legs.delete([...this.legs].find((leg) => leg.socket === socket) as Leg);
      socket.peer.drop(1006);
      socket.drop(1006);
    }
  }
}

const issuer = IssuerKeyset.random("k1");
const service = new ChannelInitService(issuer, { tunnelUrl: "wss://tunnel.example/ws", tunnelAudience: "a", issuerId: "i", idleTimeoutSeconds: 300 });

/** One registry and one tunnel. */
export class RendezvousWorld {
  readonly tunnel = new MemoryTunnel();
  readonly clients: SecureSocketClient[] = [];
  /** Sockets to the registry, as clients have them. */
  readonly sockets: PairedWebSocket[] = [];
  registry!: RegistryServer;
  isRegistryDown = false;
  /** Changes what the registry sends, in text mode. */
  tamper: ((text: string, address: string) => string | undefined) | undefined;
  private constructor(private readonly options: RegistryServerOptions) {}

  static async create(options: Partial<RegistryServerOptions> = {}): Promise<RendezvousWorld> {
    const keys = options.keys ?? [await RegistryServer.generateKey()];
    const world = new RendezvousWorld({ mint: (id) => service.issue(id), limits: { registrationBurst: 1000 }, ...options, keys });
    await world.restart();
    return world;
  }

  /** A new registry with the same key; the old one's sockets are gone without a word. */
  async restart(): Promise<void> {
    for (const socket of this.sockets.splice(0)) {
      socket.peer.drop(1006);
      socket.drop(1006);
    }
    this.registry = await RegistryServer.create(this.options);
  }

  /** What a client with this address connects with. */
  factory(address: string): WebSocketFactory {
    return (url): WebSocketLike => {
      const [client, server] = PairedWebSocket.pair();
      const isTunnel = url.startsWith("wss://tunnel.example");
      if (isTunnel ? this.tunnel.isDown : this.isRegistryDown) {
        queueMicrotask(() => client.drop(1006));
        return client;
      }
      if (isTunnel) this.tunnel.accept(server);
      else {
        this.sockets.push(client);
        const { tamper } = this;
        if (tamper !== undefined) server.tamper = (data) => (typeof data === "string" ? tamper(data, address) : data);
        this.registry.attach(server, { url: new URL(url).pathname, socket: { remoteAddress: address } });
      }
      return client;
    };
  }

  optionsFor(name: string, options: Partial<SecureSocketOptions> = {}): SecureSocketOptions {
    return {
      url: "wss://registry.example",
      registryKeys: [this.registry.publicKey],
      connect: { wsFactory: this.factory(name) },
      reconnect: { initialDelayMs: 1, maxDelayMs: 5, drainSpreadMs: 0 },
      calls: { initialDelayMs: 1, maxDelayMs: 5 },
      ...options,
    };
  }

  async client(name: string, contacts: Contacts, options: Partial<SecureSocketOptions> = {}): Promise<SecureSocketClient> {
    const client = await SecureSocketClient.create(this.optionsFor(name, { contacts, ...options }));
    this.clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
    this.registry.close();
  }
}

/** Two who know each other; the first has the smaller key. */
export async function acquainted(): Promise<[Contacts, Contacts]> {
  const made = await Promise.all([Identity.generate(), Identity.generate()]);
  const [a, b] = made.sort((x, y) => x.publicKey.compare(y.publicKey)) as [Identity, Identity];
  const [ofA, ofB] = [new Contacts(a), new Contacts(b)];
  await ofA.add(b.publicKey, "bob");
  await ofB.add(a.publicKey, "alice");
  return [ofA, ofB];
}

export const keyOf = (contacts: Contacts): PublicKey => contacts.owner.publicKey;
