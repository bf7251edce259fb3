// A client of a running hallbench, in Node's standard library alone (Node 18 or newer; WebSocket where Node has it).
//
//   const bench = await Bench.start(["hallbench"], ["up", "tan_hoi", "--ports", "ports"]);
//   await bench.press("keypad-1", 5);
//   const ack = await bench.until((event) => event.what === "ack" && event.device === "keypad-1");
//   await bench.stop();

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";

export class Refused extends Error {
  constructor({ code, message, fix }, status) {
    super(`${code}: ${message} (${fix})`);
    this.code = code;
    this.status = status;
  }
}

export class Bench {
  constructor(told, token, process) {
    this.told = told; // the line that `hallbench up --json` prints
    this.token = token;
    this.process = process;
    this.last = 0; // number of the last event that was seen
  }

  /** Start `hallbench up` and wait for its line. */
  static async start(command, args) {
    const child = spawn(command[0], [...command.slice(1), ...args, "--json"], { stdio: ["ignore", "pipe", "inherit"] });
    const lines = createInterface({ input: child.stdout });
    const [line] = await Promise.race([
      once(lines, "line"),
      once(child, "exit").then(([code]) => Promise.reject(new Error(`the bench ended with ${code}`))),
    ]);
    const told = JSON.parse(line);
    const token = (await readFile(told.token_file, "ascii")).trim();
    const bench = new Bench(told, token, child);
    bench.last = (await bench.ask("GET", "/v1/hall")).last;
    return bench;
  }

  /** What a program opens for a line: a path or a URL. */
  port(line) {
    const found = this.told.ports.find((port) => port.line === line);
    return found.path ?? found.url;
  }

  async ask(method, path, body) {
    const response = await fetch(this.told.control + path, {
      method,
      headers: { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const told = await response.json();
    if (!response.ok) throw new Refused(told.error, response.status);
    return told;
  }

  act(device, action, fields = {}) {
    return this.ask("POST", `/v1/devices/${encodeURIComponent(device)}/${encodeURIComponent(action)}`, fields);
  }

  press(device, key) {
    return this.act(device, "press", { key });
  }

  device(name) {
    return this.ask("GET", `/v1/devices/${encodeURIComponent(name)}`);
  }

  fault(type, where) {
    return this.ask("POST", "/v1/faults", { type, ...where });
  }

  /** Everything that happens from now on, as it comes. */
  async *events(kinds = "") {
    if (typeof WebSocket === "undefined") yield* this.#pages(kinds);
    else yield* this.#stream(kinds);
  }

  async *#pages(kinds) {
    for (;;) {
      const only = kinds ? `&kinds=${kinds}` : "";
      const page = await this.ask("GET", `/v1/events?since=${this.last}&wait=20${only}`);
      if (page.lost) throw new Error(`${page.lost} events were lost: read faster, or ask for fewer kinds`);
      this.last = page.last;
      yield* page.events;
    }
  }

  async *#stream(kinds) {
    const url = `${this.told.control.replace("http", "ws")}/v1/events?since=${this.last}${kinds ? `&kinds=${kinds}` : ""}`;
    const socket = new WebSocket(url, ["hallbench.v1", `bearer.${this.token}`]);
    const waiting = [];
    let wake = () => {};
    let ended = false;
    socket.onmessage = (message) => { waiting.push(JSON.parse(message.data)); wake(); };
    socket.onclose = socket.onerror = () => { ended = true; wake(); };
    try {
      for (;;) {
        while (waiting.length) {
          const page = waiting.shift();
          if (page.lost) throw new Error(`${page.lost} events were lost`);
          this.last = page.last;
          yield* page.events;
        }
        if (ended) throw new Error("the bench has closed the stream");
        await new Promise((resolve) => { wake = resolve; });
      }
    } finally {
      socket.close();
    }
  }

  /** The first event that `wanted` likes; an Error when none comes in time. */
  async until(wanted, { kinds = "device,fault", seconds = 10 } = {}) {
    const events = this.events(kinds);
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`nothing came within ${seconds} s`)), seconds * 1000);
    });
    const search = (async () => {
      for await (const event of events) if (wanted(event)) return event;
    })();
    try {
      return await Promise.race([search, late]);
    } finally {
      clearTimeout(timer);
      search.catch(() => {});
    }
  }

  async stop() {
    if (this.process.exitCode !== null) return this.process.exitCode;
    const gone = once(this.process, "exit");
    this.process.kill("SIGTERM");
    const [code] = await gone;
    return code;
  }
}
