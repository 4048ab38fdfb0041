// Serves emulate's GitHub on a free loopback port until standard input ends.
// serve.mjs MODULE: reads the seed, one line of JSON, and prints the URL.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const { createEmulator } = await import(pathToFileURL(process.argv[2]));
const lines = createInterface({ input: process.stdin });
lines.once("line", async (seed) => {
  const emulator = await createEmulator({ service: "github", port: 0, seed: JSON.parse(seed) });
  console.log(emulator.url);
});
lines.once("close", () => process.exit());
