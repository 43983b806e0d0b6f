// The three things every client example does once it is connected, on whatever path: a call, a notification, a stream.
import { createDemoClient } from "flowersec/gen/flowersec/demo/v1.rpc.gen";

// [calls]
export async function firstCalls(client) {
  const demo = createDemoClient(client.rpc);
  const heard = new Promise((resolve) => demo.onHello(resolve));

  const answer = await demo.ping({}, { timeoutMs: 5_000 });
  console.log(`rpc response: ${JSON.stringify(answer)}`);
  console.log(`rpc notify: ${JSON.stringify(await heard)}`);

  const stream = await client.openStream("echo");
  await stream.write(new TextEncoder().encode("hello over yamux stream: echo"));
  await stream.close(); // our half; the other end sends back what it got, then closes its own
  console.log(`echo response: ${JSON.stringify(await new Response(stream.readable).text())}`);
}
// [calls]
