import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { globalAgent } from "node:https";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { artifactFile } from "../../../src/artifacts/artifact-file.ts";
import { download } from "../../../src/artifacts/download.ts";
import { httpsSource } from "../../../src/artifacts/https-source.ts";
import { obtain } from "../../../src/artifacts/obtain.ts";
import { ownCache } from "../../support/cache-folder.ts";
import { type HttpsFiles, serveHttps } from "../../support/https-files.ts";

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
const BODY = Buffer.from("0123456789".repeat(10_000));
const LOCKED = { digest: sha256(BODY), bytes: BODY.length };

let cache: string;
let server: HttpsFiles;
beforeEach(async () => {
  cache = join(ownCache(), "bootlace/artifacts");
  server = await serveHttps(join(cache, ".."));
  server.files.set("/app", BODY);
});

const source = (path = "/app") => ({ kind: "https", id: `${server.url}${path}`, url: `${server.url}${path}` }) as const;
/** No time passes between two tries. */
const quick = { pause: async () => {} };
/** Says how long it would be, sends a part, and breaks the connection when `onBytes` has told of it. */
function cut(bytes: number) {
  let broken: (() => void) | undefined;
  server.instead.push((_, response) => {
    response.writeHead(200, { "content-length": BODY.length, etag: `"${BODY.length}-3031323334353637"` });
    response.write(BODY.subarray(0, bytes));
    broken = () => response.destroy();
  });
  return {
    ...quick,
    onBytes: (here: number) => {
      if (here >= bytes) broken?.();
    },
  };
}

describe("obtain() over https", () => {
  test("streams a file into the cache under its digest, and leaves no partial file", async () => {
    expect(await obtain(source(), undefined, quick)).toEqual({ ...LOCKED, file: join(cache, LOCKED.digest) });
    expect(readdirSync(cache)).toEqual([LOCKED.digest]);
  });

  test("takes a broken connection up where it was", async () => {
    expect((await obtain(source(), undefined, cut(30_000))).digest).toBe(LOCKED.digest);
    expect(server.asked).toEqual(["GET /app", "GET /app bytes=30000-"]);
  });

  test("starts over when the file has changed in between", async () => {
    const fetching = cut(30_000);
    const newer = Buffer.from("newer".repeat(30_000));
    server.files.set("/app", newer);
    expect((await obtain(source(), undefined, fetching)).digest).toBe(sha256(newer));
    expect(server.asked).toEqual(["GET /app", "GET /app bytes=30000-"]);
  });

  test.each([429, 500, 503])("tries again after HTTP %i", async (status) => {
    server.instead.push((_, response) => void response.writeHead(status).end("busy"));
    expect((await obtain(source(), undefined, quick)).digest).toBe(LOCKED.digest);
  });

  test("gives up after five tries, with what the server said", async () => {
    for (let i = 0; i < 9; i++) server.instead.push((_, response) => void response.writeHead(503).end());
    await expect(obtain(source(), undefined, quick)).rejects.toMatchObject({
      code: "E_ARTIFACT_GET",
      message: expect.stringContaining("HTTP 503"),
    });
    expect(server.asked).toHaveLength(5);
  });

  test.each([
    ["/gone", "HTTP 404", "sha256"],
    ["/gone?signature=secret", "/gone?… could not", "sha256"],
  ])("says at once that %s is not there", async (path, message, hint) => {
    await expect(obtain(source(path), undefined, quick)).rejects.toMatchObject({
      code: "E_ARTIFACT_GET",
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    });
    expect(server.asked).toHaveLength(1);
    expect(readdirSync(cache)).toEqual([]);
  });

  test("follows a redirect to https and refuses one to http", async () => {
    const lead = (location: string) =>
      server.instead.push((_, response) => void response.writeHead(302, { location }).end());
    lead("/app");
    expect((await obtain(source("/moved"), undefined, quick)).digest).toBe(LOCKED.digest);
    lead("http://localhost/app");
    await expect(obtain(source("/moved"), undefined, quick)).rejects.toMatchObject({
      message: expect.stringContaining("redirects to http://localhost, expected https"),
    });
    for (let i = 0; i < 9; i++) lead("/moved");
    await expect(obtain(source("/moved"), undefined, quick)).rejects.toMatchObject({
      message: expect.stringContaining("more than 5 times"),
    });
  });

  test("says at once that a certificate is not trusted, and how to trust it", async () => {
    const { ca } = globalAgent.options;
    delete globalAgent.options.ca;
    try {
      await expect(obtain(source(), undefined, quick)).rejects.toMatchObject({
        code: "E_ARTIFACT_GET",
        message: expect.stringContaining("certificate"),
        hint: expect.stringContaining("NODE_EXTRA_CA_CERTS"),
      });
    } finally {
      globalAgent.options.ca = ca;
    }
    expect(server.asked).toEqual([]);
  });

  test("takes no byte more than is locked, whatever length is said", async () => {
    const fewer = { digest: LOCKED.digest, bytes: BODY.length - 1 };
    await expect(obtain(source(), fewer, quick)).rejects.toMatchObject({ code: "E_ARTIFACT_CHANGED" });
    server.instead.push((_, response) => {
      response.writeHead(200, { "transfer-encoding": "chunked" });
      const endless = (): void => void (response.destroyed || response.write(BODY, endless));
      endless();
    });
    await expect(obtain(source(), fewer, quick)).rejects.toMatchObject({ code: "E_ARTIFACT_CHANGED" });
    expect(readdirSync(cache)).toEqual([]);
  });

  test("ends at once when it is interrupted; the next one goes on where it was", async () => {
    const stop = new AbortController();
    server.instead.push((_, response) => {
      response.writeHead(200, { "content-length": BODY.length });
      response.write(BODY.subarray(0, 30_000));
    });
    const onBytes = (here: number): void => {
      if (here >= 30_000) stop.abort(new DOMException("stop", "AbortError"));
    };
    const fetching = obtain(source(), LOCKED, { ...quick, signal: stop.signal, onBytes });
    await expect(fetching).rejects.toMatchObject({ name: "AbortError" });
    expect((await obtain(source(), LOCKED, quick)).digest).toBe(LOCKED.digest);
    expect(server.asked).toEqual(["GET /app", "GET /app bytes=30000-"]);
  });

  test("shares one fetch among those who ask at the same time", async () => {
    const got = await Promise.all([1, 2, 3].map(() => obtain(source(), LOCKED, quick)));
    expect(new Set(got.map(({ file }) => file)).size).toBe(1);
    expect(server.asked).toHaveLength(1);
  });
});

describe("download()", () => {
  /** What a process that is dead by now has left. */
  function left(bytes: Buffer): void {
    const { pid } = spawnSync("true");
    mkdirSync(cache, { recursive: true });
    writeFileSync(join(cache, `part.${pid}.part`), bytes);
  }

  test("goes on with what a dead process left, when the digest is known", async () => {
    left(BODY.subarray(0, 60_000));
    const got = await download(httpsSource(source().url), "part", LOCKED, quick);
    expect(got.digest).toBe(LOCKED.digest);
    expect(server.asked).toEqual(["GET /app bytes=60000-"]);
  });

  test("asks for nothing when a dead process had all of it", async () => {
    left(BODY);
    expect((await download(httpsSource(source().url), "part", LOCKED, quick)).digest).toBe(LOCKED.digest);
    expect(server.asked).toEqual([]);
  });

  test.each([
    ["as long, of other bytes", Buffer.alloc(BODY.length, "x")],
    ["longer", Buffer.alloc(BODY.length + 1, "x")],
  ])("starts over when what was left is %s", async (_name, bytes) => {
    left(bytes);
    expect((await download(httpsSource(source().url), "part", LOCKED, quick)).digest).toBe(LOCKED.digest);
    expect(server.asked).toEqual(["GET /app"]);
  });

  test("starts over once when what was left was of other bytes", async () => {
    left(Buffer.alloc(60_000, "x"));
    const got = await download(httpsSource(source().url), "part", LOCKED, quick);
    expect(got.digest).toBe(LOCKED.digest);
    expect(server.asked).toEqual(["GET /app bytes=60000-", "GET /app"]);
    expect(readdirSync(cache)).toEqual([LOCKED.digest]);
  });

  test("does not trust what was left when no digest is known", async () => {
    left(Buffer.alloc(60_000, "x"));
    const got = await download(httpsSource(source().url), "part", undefined, quick);
    expect(got.digest).toBe(LOCKED.digest);
    expect(server.asked).toEqual(["GET /app"]);
    expect(readdirSync(cache)).toEqual([LOCKED.digest]);
  });
});

describe("artifactFile()", () => {
  test("has the file in the cache, and fetches it again when it is gone", async () => {
    const file = await artifactFile({ ...LOCKED, file: source() });
    expect(readFileSync(file).equals(BODY)).toBe(true);
    await artifactFile({ ...LOCKED, file: source() });
    expect(server.asked).toHaveLength(1);
  });

  test("fetches again what has gone bad in the cache", async () => {
    const file = await artifactFile({ ...LOCKED, file: source() });
    writeFileSync(file, "9".repeat(BODY.length));
    expect(readFileSync(await artifactFile({ ...LOCKED, file: source() })).equals(BODY)).toBe(true);
    expect(server.asked).toHaveLength(2);
  });

  test("refuses a length in bootlace.lock that the bytes of its digest do not have", async () => {
    const locked = { ...LOCKED, bytes: LOCKED.bytes + 1 };
    await expect(artifactFile({ ...locked, file: source() }, quick)).rejects.toMatchObject({
      code: "E_ARTIFACT_DIGEST",
      message: expect.stringMatching(
        new RegExp(`^bootlace.lock names ${locked.bytes} bytes for .*, the file of that digest has ${LOCKED.bytes}$`),
      ),
    });
  });

  test("refuses other bytes than bootlace.lock names, with both digests", async () => {
    const other = Buffer.from("9".repeat(BODY.length));
    server.files.set("/app", other);
    await expect(artifactFile({ ...LOCKED, file: source() }, quick)).rejects.toMatchObject({
      code: "E_ARTIFACT_CHANGED",
      message: expect.stringMatching(new RegExp(`${LOCKED.digest}.*${sha256(other)}`)),
    });
  });
});
