import { execFile } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { lineBegan, PORTS, readInventory, readPorts } from "../../../src/image/inventory.ts";

const sh = async (script: string): Promise<string> => (await promisify(execFile)("sh", ["-c", script])).stdout;

test("readPorts() finds a listening socket by the kernel's own tables, and none that is closed", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const own = `tcp 127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect(readPorts(await sh(PORTS))).toContain(own);
  await new Promise((resolve) => server.close(resolve));
  expect(readPorts(await sh(PORTS))).not.toContain(own);
});

test("readPorts() reads IPv6 and UDP, and leaves out sockets of other containers", () => {
  const row = (local: string, state: string, inode: string) => `  0: ${local} 00:0 ${state} 0:0 0:0 0 0 0 ${inode} 1 0`;
  const text = [
    "% sockets",
    "11",
    "12",
    "13",
    "% tcp",
    row("00000000:0050", "0A", "11"),
    row("0100007F:1F90", "0A", "99"),
    row("0100007F:1F91", "01", "12"),
    "% tcp6",
    row("00000000000000000000000001000000:0016", "0A", "12"),
    "% udp",
    row("00000000:0035", "07", "13"),
    row("00000000:C001", "07", "13"),
  ].join("\n");
  expect(readPorts(text)).toEqual(["tcp *:80", "tcp [0:0:0:0:0:0:0:1]:22", "udp *:53"]);
});

test("readInventory() gives files to the service whose artifact lies above them", () => {
  const digest = "0123456789abcdef".repeat(4);
  const text = `% units\nssh.service\nssh.service\n% users\nroot 0 0 /root /bin/sh\n% files\n${digest}  /srv/shop/a b\n${digest}  /srv/shopping\n`;
  expect(readInventory(text, new Map([["/srv/shop", "shop"]]))).toEqual({
    units: ["ssh.service"],
    users: ["root 0 0 /root /bin/sh"],
    files: { shop: { "/srv/shop/a b": digest.slice(0, 16) }, machine: { "/srv/shopping": digest.slice(0, 16) } },
  });
});

test("lineBegan() is an hour before the line's first image, as touch takes it", () => {
  expect(lineBegan("web/20261130213326-7257")).toBe("202611302033");
  expect(lineBegan("web/20260101003000-7257")).toBe("202512312330");
  expect(lineBegan("web/x")).toBe("197001010000");
});
