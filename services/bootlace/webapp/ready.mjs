#!/usr/bin/env node
import { request } from "node:http";
import { settings } from "./daemon.mjs";

const { socket, host, port, health } = settings();
const where = socket === "" ? { host, port } : { socketPath: socket };
request({ ...where, path: health, timeout: 2000 }, (response) => {
  console.log(`${health} answered ${response.statusCode}`);
  process.exit(response.statusCode === 200 ? 0 : 1);
})
  .on("timeout", () => process.exit(1))
  .on("error", (error) => {
    console.error(error.message);
    process.exit(1);
  })
  .end();
