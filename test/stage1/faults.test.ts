import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, createServer as createNetServer, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { tarStream } from "../../src/bundle/tar-stream.ts";
import { ensureDebianPackages } from "../support/debian.ts";
import { SHELLS, Stage1Rig } from "../support/stage1-rig.ts";

let rig: Stage1Rig;
let server: Server | undefined;
const mounts: string[] = [];
beforeEach(() => {
  rig = new Stage1Rig();
});
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  for (const mount of mounts.splice(0)) execFileSync("umount", [mount]);
  rig.dispose();
});

async function serve(listener: RequestListener): Promise<string> {
  const made = createServer(listener);
  server = made;
  await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}`;
}

/** Serves the rig's store as a web server would. */
const files: RequestListener = (request, response) => {
  const file = join(rig.store, request.url ?? "");
  if (!existsSync(file)) return void response.writeHead(404).end("not found");
  response.end(readFileSync(file));
};

const SHIMMED = [
  "cat",
  "cp",
  "flock",
  "gzip",
  "head",
  "mkdir",
  "mv",
  "node",
  "rm",
  "sha256sum",
  "sync",
  "tar",
  "uname",
  "wc",
];

/** A PATH whose tools count themselves and kill the whole of stage1 when their number comes up. */
function killingPath(): string {
  const folder = join(rig.home, "killing");
  mkdirSync(folder);
  for (const tool of SHIMMED) {
    const real =
      tool === "node"
        ? process.execPath
        : execFileSync("sh", ["-c", `command -v ${tool}`])
            .toString()
            .trim();
    const text = `#!/bin/sh
printf x >>"$KILL_COUNT"
[ "$(/usr/bin/wc -c <"$KILL_COUNT")" -lt "$KILL_AT" ] || kill -KILL 0
exec ${real} "$@"
`;
    writeFileSync(join(folder, tool), text);
    chmodSync(join(folder, tool), 0o755);
  }
  return `${folder}:${process.env.PATH}`;
}

describe("stage1 that is killed", () => {
  test.each([
    ["the first boot of a machine", false],
    ["the boot that brings a new bundle", true],
  ])("before any of its commands, in %s, ends well at the next boot", async (_name, upgrade) => {
    const path = killingPath();
    let at = 1;
    for (let finished = false; !finished; at++) {
      const state = rig.state;
      execFileSync("rm", ["-rf", state]);
      if (upgrade) {
        rig.point(rig.putBundle("old"));
        await rig.run();
      }
      const next = rig.putBundle("new");
      rig.point(next);
      const count = join(rig.home, `count-${at}`);
      const killed = await rig.run(["sh"], [], { PATH: path, KILL_COUNT: count, KILL_AT: String(at) });
      finished = killed.signal === null;
      const after = await rig.run();
      expect({ at, code: after.code, stderr: after.stderr }).toMatchObject({ at, code: 0 });
      expect({ at, mark: rig.marks().at(-1), good: rig.record("good")?.bundle }).toEqual({
        at,
        mark: "new",
        good: next.digest,
      });
      expect(existsSync(join(state, "tmp/new"))).toBe(false);
    }
    // Fewer would mean that the shims were not in the way.
    expect(at).toBeGreaterThan(15);
  });
});

test("stage1 starts at most ten commands, stage2 included, when there is nothing to fetch", async () => {
  rig.point(rig.putBundle("one"));
  await rig.run();
  const count = join(rig.home, "count");
  const env = { PATH: killingPath(), KILL_COUNT: count, KILL_AT: "1000" };
  expect(await rig.run(["sh"], [], env)).toMatchObject({ code: 0 });
  const commands = readFileSync(count, "utf8").length;
  expect({ commands, few: commands > 2 && commands <= 10 }).toEqual({ commands, few: true });
});

describe("stage1 with a store behind HTTP", () => {
  test("boots from it", async () => {
    rig.writeConf({ store: await serve(files) });
    rig.point(rig.putBundle("one"));
    expect(await rig.run()).toMatchObject({ code: 0 });
    expect(rig.marks()).toEqual(["one"]);
  });

  test("tries again after HTTP 500 and a connection that breaks off", async () => {
    let asked = 0;
    const store = await serve((request, response) => {
      asked++;
      if (asked === 1) return void response.writeHead(500).end("oops");
      if (asked === 3) {
        response.writeHead(200, { "content-length": "100000" });
        return void response.write("half", () => response.destroy());
      }
      files(request, response);
    });
    rig.writeConf({ store, deadline: "20" });
    rig.point(rig.putBundle("one"));
    const { code, stderr } = await rig.run();
    expect({ code, marks: rig.marks() }).toEqual({ code: 0, marks: ["one"] });
    expect(stderr).toContain("answered HTTP 500; trying again in 1 s");
  });

  test("gives up at once on 404 and says that it may be a missing right", async () => {
    rig.writeConf({ store: await serve(files), deadline: "60" });
    const { code, stderr } = await rig.run();
    expect({ code, stderr }).toEqual({
      code: 5,
      stderr: expect.stringContaining("is not there, or may not be read (HTTP 404)"),
    });
  });

  test("stops at the deadline when the store trickles", async () => {
    const store = await serve((_request, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write("b"), 100);
      response.on("close", () => clearInterval(timer));
    });
    rig.writeConf({ store, deadline: "2" });
    const { code, stderr } = await rig.run();
    expect({ code, stderr }).toEqual({ code: 5, stderr: expect.stringMatching(/timed out/i) });
  });

  test("reads no more than it was promised when the store never ends", async () => {
    const store = await serve((request, response) => {
      if (request.url === "/channels/prod") return void files(request, response);
      const pour = (): void => {
        while (response.write(Buffer.alloc(65536)));
      };
      response.on("drain", pour);
      pour();
    });
    rig.writeConf({ store, deadline: "30" });
    const bundle = rig.putBundle("one");
    rig.point(bundle);
    const { code, stderr } = await rig.run();
    expect({ code, stderr }).toEqual({
      code: 5,
      stderr: expect.stringContaining(`is damaged: ${bundle.bytes + 1} bytes`),
    });
  });

  test("does not follow a redirect to a file", async () => {
    const store = await serve(
      (_request, response) => void response.writeHead(302, { location: "file:///etc/passwd" }).end(),
    );
    rig.writeConf({ store, deadline: "1" });
    const { code, stderr } = await rig.run();
    expect({ code, stderr }).toEqual({ code: 5, stderr: expect.stringMatching(/protocol/i) });
  });

  test("keeps the address, which may be signed, off the command line", async () => {
    const seen: string[] = [];
    const store = await serve((request, response) => {
      for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
        try {
          const line = readFileSync(`/proc/${pid}/cmdline`, "utf8");
          if (line.startsWith("curl")) seen.push(line);
        } catch {
          // The process ended meanwhile.
        }
      }
      files(request, response);
    });
    rig.writeConf({ store });
    rig.point(rig.putBundle("one"));
    await rig.run();
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.join("\n")).not.toContain("/channels/prod");
  });
});

describe.each(SHELLS)(
  "stage1 under $name with a store whose address carries a password and a signature",
  ({ argv }) => {
    beforeAll(() => ensureDebianPackages(SHELLS.map((shell) => shell.package)));
    const signed = (address: string): string =>
      `${address.replace("://", "://desk:p4ss@w0rd?@")}/shop?X-Amz-Signature=s1gned&x=%2F#fr4g`;

    test.each([
      ["is not there, or may not be read", 404],
      ["answered HTTP 503", 503],
      ["is damaged", 200],
      ["onnect", 0],
      ["can fetch from file://, http:// and https:// stores", -1],
    ])("tells neither when the store %s", async (told, status) => {
      rig.point(rig.putBundle("one"));
      await rig.run(argv);
      const pointer = rig.point(rig.putBundle("two"));
      let asked = 0;
      const http = await serve((_request, response) => {
        asked += 1;
        response.writeHead(status).end(asked === 1 ? pointer : "damage");
      });
      if (status === 0) server?.close();
      const store = signed(status === -1 ? http.replace("http:", "ftp:") : http);
      rig.writeConf({ store: store.replace("p4ss@w0rd?", "p4ss%40w0rd"), deadline: "1" });
      const { stderr } = await rig.run(argv);
      rig.writeConf({ store, deadline: "1" });
      const raw = await rig.run(argv);
      const degraded = rig.ran().map((ran) => ran.degraded);
      expect(stderr).toContain(told);
      expect(stderr).toContain("://127.0.0.1:");
      expect([degraded[1], degraded[2]]).toEqual([
        expect.stringContaining("://127.0.0.1:"),
        expect.stringContaining("/"),
      ]);
      expect([stderr, raw.stderr, ...degraded].join("\n")).not.toMatch(/p4ss|w0rd|s1gned|fr4g|desk/);
    });
  },
);

describe("stage1 on a bad file system", () => {
  const mount = (options: string): void => {
    mkdirSync(rig.state, { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", rig.state]);
    mounts.push(rig.state);
  };

  test("boots the last good bundle when there is no room for the new one", async () => {
    mount("size=256k");
    rig.point(rig.putBundle("old"));
    await rig.run();
    const noise = Buffer.from(Array.from({ length: 400_000 }, (_, at) => (at * 7919) % 251));
    rig.point(rig.putTar(tarStream([{ path: "stage2.mjs", mode: 0o644, bytes: noise }])));
    const { code, stderr } = await rig.run();
    expect({ code, marks: rig.marks() }).toEqual({ code: 0, marks: ["old", "old"] });
    expect(stderr).toMatch(/disk full|No space left/);
  });

  test("runs nothing and says why when its state cannot be written", async () => {
    mount("size=1m");
    execFileSync("mount", ["-o", "remount,ro", rig.state]);
    rig.point(rig.putBundle("one"));
    expect(await rig.run()).toMatchObject({
      code: 6,
      stderr: expect.stringContaining("cannot be written: is the file system full or read-only?"),
    });
  });
});

describe("stage1 whose state can be written in part only", () => {
  const readOnly = async (folder: string, body: () => Promise<void>): Promise<void> => {
    const path = join(rig.state, folder);
    execFileSync("mount", ["--bind", path, path]);
    execFileSync("mount", ["-o", "remount,ro,bind", path]);
    try {
      await body();
    } finally {
      execFileSync("umount", [path]);
    }
  };

  test.each([
    ["bundles", /bundles\/[0-9a-f]{64} could not be put in place/],
    ["artifacts", /could not be put in place/],
    ["trust", /trust\/shop\.prod could not be written/],
  ])("goes on with the last good bundle and says why when %s/ cannot be written", async (folder, why) => {
    rig.point(rig.putBundle("one"));
    await rig.run();
    const { digest, bytes } = rig.putArtifact("big");
    const old = rig.point(rig.putBundle("one"));
    const next = rig.putBundle("two", "good", { "artifacts.list": `${digest} ${bytes} any\n` });
    await readOnly(folder, async () => {
      rig.point(next);
      const { code, stderr } = await rig.run();
      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(why) });
      expect(rig.ran().at(-1)).toMatchObject({ mark: "one", degraded: expect.stringMatching(why) });
      expect(readFileSync(join(rig.state, "degraded"), "utf8")).toMatch(why);
      // What was not recorded as accepted was not followed, so the one before is no step back.
      rig.pointText(old);
      await rig.run();
      expect(rig.ran().at(-1)?.mark).toBe("one");
    });
    rig.point(next);
    expect(await rig.run()).toMatchObject({ code: 0 });
    expect(rig.ran().at(-1)).toMatchObject({ mark: "two", degraded: "" });
  });
});

test("stage1 tells what a store said without what a terminal would obey", async () => {
  const server = createNetServer((socket) => {
    socket.once("data", () => {
      socket.end(
        "HTTP/1.1 206 Partial\r\nContent-Range: bytes 5-\u001b]0;owned\u0007\u001b[31mred\r\nContent-Length: 2\r\n\r\nok",
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    rig.writeConf({ store: `http://127.0.0.1:${port}`, deadline: "1" });
    const { code, stderr } = await rig.run();
    expect({ code, stderr }).toEqual({ code: 5, stderr: expect.stringContaining("bytes 5-?]0;owned??[31mred") });
    expect(stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\uffff]/);
  } finally {
    server.close();
  }
});

describe.each(SHELLS)("stage1 under $name that breaks off for a fault of its own", ({ argv }) => {
  test.each([
    ["a variable that is not set", ': "$never_set_anywhere"'],
    ["a number that is none", "broken=0009 && : $((broken * 1)) && false"],
    ["an exit that nobody meant", "exit 2"],
  ])("boots the last good bundle and says so: %s", async (_name, fault) => {
    rig.point(rig.putBundle("one"));
    await rig.run(argv);
    const broken = join(rig.home, "stage1");
    cpSync(new URL("../../stage1/", import.meta.url), broken, { recursive: true });
    writeFileSync(join(broken, "verify"), `\nis_blob() {\n  ${fault}\n}\n`, { flag: "a" });
    rig.point(rig.putBundle("two"));
    const { code, stderr } = await rig.run(argv, [], {}, [], join(broken, "stage1"));
    expect({ code, stderr, marks: rig.marks() }).toMatchObject({ code: 0, marks: ["one", "one"] });
    expect(rig.ran().at(-1)?.degraded).not.toBe("");
  });
});

/** Answers every connection with these bytes, and goes on with `more` for as long as somebody reads. */
async function raw(head: string, more?: Buffer): Promise<{ url: string; written: () => number; close: () => void }> {
  let written = 0;
  const sockets = new Set<Socket>();
  const server = createNetServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write(head.replaceAll("\n", "\r\n"));
      const pour = (): void => {
        while (more && !socket.destroyed) {
          written += more.length;
          if (!socket.write(more)) return;
        }
        socket.end();
      };
      socket.on("drain", pour);
      pour();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    written: () => written,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

describe.each(SHELLS)("stage1 under $name with a store that says", ({ argv }) => {
  const signed = { store: "s3://boot/shop", region: "eu-west-1", auth: "keys", keysfile: "/etc/bootlace/keys" };
  const xml = (code: string): string => `<Error><Code>${code}</Code></Error>`;
  test.each([
    ["a date in the year 9", signed, "Date: Fri, 24 May 0009 00:00:00 GMT\n", "AccessDenied"],
    ["a date of letters", signed, "Date: Fri, ab Mai 2026 cd:00:00 GMT\n", "AccessDenied"],
    ["that a presigned bucket is gone", { ...signed, auth: "presigned" }, "", "NoSuchBucket"],
    ["that a presigned bucket has no name", { ...signed, auth: "presigned" }, "", "InvalidBucketName"],
  ])("%s boots the last good bundle", async (_name, conf, header, code) => {
    rig.point(rig.putBundle("one"));
    await rig.run(argv);
    const server = await raw(`HTTP/1.1 403 No\n${header}Content-Length: ${xml(code).length}\n\n${xml(code)}`);
    try {
      const presigned = `channels/prod ${server.url}/x?X-Amz-Signature=s\n`;
      const keys = "[default]\naws_access_key_id = a\naws_secret_access_key = b\n";
      const file = join(rig.root, "etc/bootlace/keys");
      writeFileSync(file, conf.auth === "presigned" ? presigned : keys, { mode: 0o600 });
      rig.writeConf({ ...conf, endpoint: server.url });
      expect(await rig.run(argv)).toMatchObject({ code: 0 });
      expect(rig.ran().at(-1)).toMatchObject({ mark: "one", degraded: expect.stringContaining("channels/prod") });
    } finally {
      server.close();
    }
  });

  test("a redirect to nowhere with a page that never ends boots the last good bundle, having read little of it", async () => {
    rig.point(rig.putBundle("one"));
    await rig.run(argv);
    const server = await raw("HTTP/1.1 301 Moved\n\n", Buffer.alloc(1 << 16, "A"));
    try {
      rig.writeConf({ store: server.url, deadline: "20" });
      expect(await rig.run(argv)).toMatchObject({ code: 0 });
      expect(rig.ran().at(-1)).toMatchObject({ mark: "one", degraded: expect.stringContaining("301") });
      // What pipes and sockets hold, not what a shell could be made to remember.
      expect(server.written()).toBeLessThan(16 * 1024 ** 2);
    } finally {
      server.close();
    }
  });
});
