// Runs shipped scenarios in the WebAssembly build and compares every file with the gallery, byte for byte.
//
//   node tests/wasm/run.mjs MODULE [SCENARIO…]      all shipped scenarios if none is named
import { readFileSync, readdirSync } from "node:fs";

const root = new URL("../../", import.meta.url);
const [file, ...names] = process.argv.slice(2);
const module = await WebAssembly.compile(readFileSync(file));
const read = (path) => readFileSync(new URL(path, root), "utf8");
const digests = new Map(
  read("reports/DIGESTS")
    .trim()
    .split("\n")
    .map((line) => line.split("  ").reverse()),
);

// The drawing library brings ways into a web page along. Nothing here goes them.
const imports = {};
for (const { module: from, name } of WebAssembly.Module.imports(module)) {
  (imports[from] ??= {})[name] = () => {
    throw new Error(`${from}.${name} was called: the simulator looks outside`);
  };
}

/** The files that scenario `name` yields, by name. A fresh instance each: nothing is left of the one before. */
async function simulate(name) {
  const { exports: wasm } = await WebAssembly.instantiate(module, imports);
  const input = new TextEncoder().encode(`${name}\n${read(`scenarios/${name}.json`)}`);
  const place = wasm.room(input.length);
  new Uint8Array(wasm.memory.buffer, place, input.length).set(input);
  try {
    const length = wasm.run();
    const output = new Uint8Array(wasm.memory.buffer, wasm.result(), length);
    return JSON.parse(new TextDecoder().decode(output));
  } catch (error) {
    const rest = new Uint8Array(wasm.memory.buffer).subarray(wasm.result());
    const last = new TextDecoder().decode(rest.subarray(0, rest.indexOf(0)));
    throw new Error(`${name}: ${last || error}`);
  }
}

const shipped = readdirSync(new URL("scenarios/", root))
  .filter((entry) => entry.endsWith(".json"))
  .map((entry) => entry.slice(0, -5))
  .filter((name) => digests.has(`${name}/report.json`));
let compared = 0;
const different = [];
for (const name of names.length ? names : shipped) {
  for (const [entry, { text, blake3 }] of Object.entries(await simulate(name))) {
    const path = `${name}/${entry}`;
    const expected = digests.get(path);
    const same = expected ? blake3 === expected : text === read(`reports/${path}`);
    compared += 1;
    if (!same) different.push(path);
  }
}
if (different.length) {
  console.error(`differs from reports/: ${different.join(", ")}`);
  process.exit(1);
}
console.log(`${compared} files of ${(names.length ? names : shipped).length} scenarios: the bytes of the gallery`);
