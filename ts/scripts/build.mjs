// Compiles src into dist: JavaScript, declarations and source maps. Tests stay out.
import { rmSync } from "node:fs";
import { fromHere, run } from "./run.mjs";

rmSync(fromHere("dist"), { recursive: true, force: true });
run("node_modules/typescript/bin/tsc", ["-p", "tsconfig.build.json"]);
