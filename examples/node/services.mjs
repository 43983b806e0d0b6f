// What the demo endpoints offer on every session, in TypeScript's own words; examples/04-demo-server has the same in C++.
//
//   rpc         flowersec.demo.v1: ping; a hello notification when the stream opens and before each answer
//   echo        sends back what it reads
//   upload      frame {name, size}, then the bytes; answered by frame {ok, size}. One file per session is kept
//   download    frame {}; answered by frame {ok, name, size}, then the bytes of the file that was uploaded
//   meta_bytes  frame {max_bytes, fill_byte?}; answered by frame {ok, content_len, content_type}, then the bytes
import { notifyDemoHello, registerDemo } from "flowersec/gen/flowersec/demo/v1.rpc.gen";
import { RpcServer } from "flowersec/rpc";
import { createByteReader, createJsonFrameChannel, readNBytes } from "flowersec/streamio";

const maxQuestionBytes = 8192;
const maxFileBytes = 64 * 1024 * 1024;
const maxContentBytes = 8 * 1024 * 1024;
const blockBytes = 128 * 1024;

/** Serves the streams of a session until it ends. */
export async function serveDemo(session) {
  const shelf = {};
  for (;;) {
    let accepted;
    try {
      accepted = await session.acceptStream();
    } catch (error) {
      if (error.code === "stream_hello_failed") continue;
      return session.close();
    }
    const { kind, stream } = accepted;
    // A stream that fails is its own business: the session and its other streams go on.
    if (!Object.hasOwn(services, kind)) stream.reset();
    else services[kind](stream, shelf).catch((error) => stream.reset(error));
  }
}

// [services]
const services = {
  async rpc(stream) {
    const reader = createByteReader(stream);
    const server = new RpcServer({
      readExactly: (n) => reader.readExactly(n),
      write: (bytes) => stream.write(bytes),
      close: (error) => (error === undefined ? stream.close() : stream.reset(error)),
    });
    const sayHello = () => notifyDemoHello(server, { hello: "world" });
    registerDemo(server, {
      async ping() {
        await sayHello();
        return { ok: true };
      },
    });
    const served = server.serve();
    sayHello().catch(() => {}); // serve() tells why
    await served;
  },

  async echo(stream) {
    for await (const chunk of stream) await stream.write(chunk);
    await stream.close();
  },

  async upload(stream, shelf) {
    const channel = createJsonFrameChannel(stream, { maxJsonFrameBytes: maxQuestionBytes });
    const { name, size } = await channel.readFrame();
    if (typeof name !== "string" || !Number.isInteger(size) || size < 0 || size > maxFileBytes) return refuse(channel, "invalid_size");
    shelf.file = { name, bytes: await readNBytes(channel.reader, size) };
    await channel.writeFrame({ ok: true, size });
    await channel.close();
  },

  async download(stream, shelf) {
    const channel = createJsonFrameChannel(stream, { maxJsonFrameBytes: maxQuestionBytes });
    await channel.readFrame();
    if (shelf.file === undefined) return refuse(channel, "no_file");
    const { name, bytes } = shelf.file;
    await channel.writeFrame({ ok: true, name, size: bytes.length });
    for (let at = 0; at < bytes.length; at += blockBytes) await stream.write(bytes.subarray(at, at + blockBytes));
    await channel.close();
  },

  async meta_bytes(stream) {
    const channel = createJsonFrameChannel(stream, { maxJsonFrameBytes: maxQuestionBytes });
    const { max_bytes: size, fill_byte: fill = 97 } = await channel.readFrame();
    if (!Number.isInteger(size) || size < 1 || size > maxContentBytes) return refuse(channel, "invalid_max_bytes");
    await channel.writeFrame({ ok: true, content_len: size, content_type: "application/octet-stream" });
    const block = new Uint8Array(blockBytes).fill(fill);
    for (let left = size; left > 0; left -= blockBytes) await stream.write(block.subarray(0, Math.min(left, blockBytes)));
    await channel.close();
  },
};
// [services]

async function refuse(channel, code) {
  await channel.writeFrame({ ok: false, error: { code } });
  await channel.close();
}

/** The kinds of streams, for a ready line. */
export const exampleStreamKinds = Object.keys(services);
