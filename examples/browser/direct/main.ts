// Without a tunnel: the connect info names the server's own WebSocket.
import { AllowPlaintextForLoopback, connectDirectBrowser } from "flowersec/browser";
import { assertDirectConnectInfo } from "flowersec";
import { askServer, startPage } from "../page/page.js";

startPage({
  fetchArtifact: () => askServer("/__demo/direct/info"),

  // [connect]
  connect(info) {
    return connectDirectBrowser(assertDirectConnectInfo(info), {
      // The demo's server is on this machine and has no TLS. Leave this out, and only wss is allowed.
      transportSecurityPolicy: AllowPlaintextForLoopback,
    });
  },
  // [connect]
});
