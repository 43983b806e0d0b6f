// Type-checks everything, then what runs in browsers without Node's types, then the layer table.
import { run } from "./run.mjs";

run("scripts/build.mjs", []);
run("node_modules/typescript/bin/tsc", ["-p", "tsconfig.portable.json"]);
run("scripts/check-layers.mjs", []);
