// Type-checks everything, then what runs in browsers without Node's types, then the layer table.
import { run } from "./run.mjs";

const tsc = "node_modules/typescript/bin/tsc";
run(tsc, ["-p", "tsconfig.json", "--noEmit"]);
run(tsc, ["-p", "tsconfig.portable.json"]);
run("scripts/check-layers.mjs", []);
