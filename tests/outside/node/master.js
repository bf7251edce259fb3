// A Modbus master on modbus-serial: node master.js rtu PATH BAUD PARITY | tcp HOST PORT
// Prints one line for each step, "ok NAME VALUES", and ends with status 1 at the first that fails.
"use strict";

const ModbusRTU = require("modbus-serial");

async function main() {
  const [kind, where, number, parity] = process.argv.slice(2);
  const client = new ModbusRTU();
  if (kind === "rtu") {
    await client.connectRTUBuffered(where, { baudRate: Number(number), parity: parity || "none" });
  } else {
    await client.connectTCP(where, { port: Number(number) });
  }
  client.setTimeout(60000);
  const ok = (name, values) => console.log("ok", name, (values || []).join(" "));

  client.setID(1);
  await client.writeRegisters(10, [1, 2, 65535]);
  ok("write");
  ok("read", (await client.readHoldingRegisters(10, 3)).data);
  await client.writeCoil(5, true);
  ok("coils", (await client.readCoils(4, 3)).data.slice(0, 3).map(Number));
  ok("long", [(await client.readHoldingRegisters(0, 125)).data.length]);
  try {
    await client.readHoldingRegisters(5000, 1);
    throw new Error("no exception");
  } catch (error) {
    if (error.modbusCode !== 2) throw error;
    ok("refused", [error.modbusCode]);
  }
  client.setID(2);
  await client.writeRegister(10, 77);
  ok("unit 2", (await client.readHoldingRegisters(10, 1)).data);
  client.setID(1);
  ok("unit 1", (await client.readHoldingRegisters(10, 1)).data);
  await new Promise((resolve) => client.close(resolve));
  ok("closed");
}

main().then(
  () => process.exit(0),
  (error) => {
    console.log("failed", error && error.message ? error.message : error);
    process.exit(1);
  },
);
