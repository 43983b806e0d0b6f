// Through a tunnel: the control plane issues an artifact, and tells the server to meet us there.
import { AllowPlaintextForLoopback, assertConnectArtifact, connectBrowser } from "flowersec/browser";
import { askServer, startPage } from "../page/page.js";

startPage({
  async fetchArtifact() {
    const { connect_artifact: artifact } = await askServer("/__demo/connect/artifact", { method: "POST" });
    return artifact;
  },

  // [connect]
  connect(artifact) {
    return connectBrowser(assertConnectArtifact(artifact), {
      // The demo's tunnel is on this machine and has no TLS. Leave this out, and only wss is allowed.
      transportSecurityPolicy: AllowPlaintextForLoopback,
    });
  },
  // [connect]
});
