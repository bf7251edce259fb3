// Tests a collector on a real port, from Node: `node --test examples/node/collector.test.mjs`
//
// The collector is any program that polls the keypads (here examples/collector.py). The test plays the visitors' hands
// and breaks the line; that a rating was fetched is seen at the keypad, which was sent the acknowledgement.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { Bench, Refused } from "./hallbench.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const python = process.env.PYTHON ?? "python3";
const scenario = process.env.SCENARIO ?? "tan_hoi";

let bench;
let collector;

before(async () => {
  const args = ["up", scenario, "--ports", "node-ports", "--no-people"];
  bench = await Bench.start([python, "-m", "bench.cli"], args);
  const units = bench.told.ports[0].devices.map((device) => device.unit);
  const range = `${Math.min(...units)}-${Math.max(...units)}`;
  const program = [join(here, "..", "collector.py"), bench.port("keypads"), "ratings.sqlite", "--units", range];
  collector = spawn(python, program, { stdio: "inherit" });
});

after(async () => {
  if (collector !== undefined && collector.exitCode === null) {
    const gone = once(collector, "exit");
    collector.kill("SIGTERM");
    await gone;
  }
  if (bench !== undefined) assert.equal(await bench.stop(), 0);
});

const fetched = (device) => (event) => event.what === "ack" && event.device === device;

test("a rating is fetched and acknowledged", async () => {
  const acknowledged = bench.until(fetched("keypad-1"), { seconds: 60 });
  const told = await bench.press("keypad-1", 5);
  assert.equal(told.ignored, null);
  await acknowledged;
  assert.equal((await bench.device("keypad-1")).queue.waiting, 0);
});

test("a damaged reply loses nothing", async () => {
  const fault = await bench.fault("bit_flip", { line: "keypads", where: "reply", count: 3 });
  const acknowledged = bench.until(fetched("keypad-2"), { seconds: 60 });
  await bench.press("keypad-2", 1);
  await acknowledged;
  const { hits } = await bench.ask("GET", `/v1/faults/${fault.id}`);
  assert.ok(hits > 0, "the fault has hit nothing: this test saw nothing of it");
});

test("what cannot be is refused with a code", async () => {
  await assert.rejects(bench.press("keypad-1", 9), (error) => error instanceof Refused && error.code === "bad_argument");
  await assert.rejects(bench.press("nobody", 1), (error) => error instanceof Refused && error.code === "no_such_device");
});
