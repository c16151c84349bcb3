#!/usr/bin/env node
import { rmSync } from "node:fs";
import { settings, stopServer } from "./daemon.mjs";

const given = settings();
await stopServer(given);
rmSync(given.root, { recursive: true, force: true });
