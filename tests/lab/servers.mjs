// What stands in the server's namespace: a server peer or a tunnel, alone or behind nginx or haproxy, and the credentials for it.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, start } from "./programs.mjs";
import { serverAddress } from "./world.mjs";

export const folders = { cpp: "", work: "" };
export const origin = "https://app.example";
export const program = (name) => join(folders.cpp, name);
export const peerOf = (language) => (language === "C++" ? program("flowersec-peer") : join(folders.work, "node_modules/.bin/flowersec-peer"));
export const file = (name) => join(folders.work, name);
const audience = "lab";
const port = 8443;
const behind = 8080;
let files = 0;

/** An authority, the server's certificate, and an issuer of tokens. */
export async function prepare() {
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await run("openssl", "req", "-x509", ...newKey, "-keyout", file("ca.key"), "-out", file("ca.pem"), "-subj", "/CN=lab", "-days", "2");
  await run("openssl", "req", ...newKey, "-keyout", file("server.key"), "-out", file("server.csr"), "-subj", "/CN=server");
  writeFileSync(file("server.ext"), `subjectAltName=IP:${serverAddress}\nbasicConstraints=CA:FALSE\n`);
  await run(
    "openssl", "x509", "-req", "-in", file("server.csr"), "-CA", file("ca.pem"), "-CAkey", file("ca.key"), "-set_serial", "1", "-days", "2",
    "-extfile", file("server.ext"), "-out", file("server.pem"),
  );
  writeFileSync(file("both.pem"), readFileSync(file("server.pem"), "utf8") + readFileSync(file("server.key"), "utf8"), { mode: 0o600 });
  await run(program("flowersec-issuer-keygen"), "--out-dir", folders.work);
}

const nginxConfig = (folder, seconds) => `
daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
events {}
http {
  access_log off;
  ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`).join(" ")}
  server {
    listen ${serverAddress}:${port} ssl; ssl_certificate ${file("server.pem")}; ssl_certificate_key ${file("server.key")};
    location / {
      proxy_pass http://127.0.0.1:${behind}; proxy_http_version 1.1; proxy_set_header Host $host;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
      ${seconds === undefined ? "" : `proxy_read_timeout ${seconds}s; proxy_send_timeout ${seconds}s;`}
    }
  }
}
`;
// The time-outs of Debian's own haproxy.cfg, unless the case has others.
const haproxyConfig = (_, seconds = 50) => `
defaults
  mode http
  timeout connect 5s
  timeout client ${seconds}s
  timeout server ${seconds}s
frontend lab
  bind ${serverAddress}:${port} ssl crt ${file("both.pem")}
  default_backend programs
backend programs
  server one 127.0.0.1:${behind}
`;
const proxies = {
  nginx: { config: nginxConfig, args: (config, folder) => ["-c", config, "-p", folder, "-e", `${folder}/nginx.log`] },
  haproxy: { config: haproxyConfig, args: (config) => ["-db", "-f", config] },
};

/** Resolves when the namespace has a socket in that state, as `ss` has it, whose line matches. Nothing tells, so it is asked ten times a second. */
async function socketIn(space, state, match) {
  const probe = start(space, "sh", "-c", `until ss -Htnp state ${state} | grep -q '${match}'; do sleep 0.1; done; echo '{}'`);
  try {
    await probe.json();
  } finally {
    probe.stop();
  }
}

/**
 * A place that clients reach by one URL. `artifact` is a fresh one, for a client, in a file; behind a tunnel each comes with a
 * server of its own. `sessions` is what the servers said of theirs, when all of it is over.
 */
export async function place(space, { path, front, frontSeconds, idle = 60, language, flags = [] }) {
  const running = [];
  const servers = [];
  const tls = front === undefined;
  const listen = tls ? `${serverAddress}:${port}` : `127.0.0.1:${behind}`;
  const url = `wss://${serverAddress}:${port}/ws`;
  const began = (it, list = running) => {
    list.push(it);
    return it;
  };
  if (front !== undefined) {
    const folder = file(`${front}-${files++}`);
    await run("mkdir", folder);
    const { config, args } = proxies[front];
    writeFileSync(`${folder}/config`, config(folder, frontSeconds));
    began(start(space, front, ...args(`${folder}/config`, folder)));
  }
  let artifact;
  let grants;
  if (path === "direct") {
    const info = file(`info-${files++}.json`);
    await run(program("flowersec-directinit"), "--ws-url", url, "--init-exp-seconds", "3600", "--format", "artifact", "--out", info);
    const server = began(
      start(space, peerOf(language), "serve", "--direct", listen, "--info", info, "--allow-origin", origin, ...flags, ...(tls ? ["--cert", file("server.pem"), "--key", file("server.key")] : [])),
      servers,
    );
    await server.json();
    artifact = async () => info;
    grants = async () => ["--info", info];
  } else {
    const tunnel = began(start(
      space, program("flowersec-tunnel"), "--listen", listen, "--issuer-keys-file", file("issuer_keys.json"), "--aud", audience, "--allow-origin", origin,
      ...(tls ? ["--tls-cert-file", file("server.pem"), "--tls-key-file", file("server.key")] : []),
    ));
    await tunnel.json();
    const mint = async (...format) => {
      const out = file(`grant-${files++}.json`);
      await run(
        program("flowersec-channelinit"), "--issuer-private-key-file", file("issuer_key.json"), "--tunnel-url", url, "--aud", audience, "--iss", "lab",
        "--idle-timeout-seconds", String(idle), ...format, "--out", out,
      );
      return out;
    };
    // It is there before its client comes: that gives up after 10 s, and on a busy machine a server may take as long to start.
    const serve = async (grant) => {
      const it = began(start(space, peerOf(language), "serve", "--grant", grant, "--origin", origin, "--ca", file("ca.pem")), servers);
      await socketIn(space, "established", `pid=${it.pid},`);
    };
    artifact = async () => {
      const forServer = file(`server-${files++}.json`);
      const forClient = await mint("--format", "artifact", "--server-grant-out", forServer);
      await serve(forServer);
      return forClient;
    };
    grants = async () => {
      const both = await mint();
      await serve(both);
      return ["--grant", both];
    };
  }
  if (front !== undefined) await socketIn(space, "listening", `:${port} `);
  return {
    artifact, grants, servers,
    close: async () => {
      for (const each of [...servers, ...running]) each.stop();
      await Promise.all([...servers, ...running].map(({ ended }) => ended));
    },
  };
}
