import { spawnSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ensureDebianPackages } from "../support/debian.ts";
import { SHELLS } from "../support/stage1-rig.ts";

const SIGV4 = fileURLToPath(new URL("../../stage1/sigv4", import.meta.url));
const NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

beforeAll(() => ensureDebianPackages(SHELLS.map((shell) => shell.package)));

function sh(shell: readonly string[], script: string, env: Readonly<Record<string, string>> = {}): string {
  const [command = "sh", ...rest] = shell;
  const { stdout, stderr, status } = spawnSync(command, [...rest, "-c", `set -uf\nLC_ALL=C\n. "${SIGV4}"\n${script}`], {
    encoding: "utf8",
    // On a socket bash takes itself for one that rshd started, and reads .bashrc.
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, ...env },
  });
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  return stdout;
}

interface Request {
  readonly path?: string;
  readonly query?: string;
  readonly headers: readonly string[];
}

const sign = ({ path = "/", query = "", headers }: Request): string =>
  `sign '${path}' '${query}' '${headers.join("\n")}' ${NOTHING}\necho "\${authorization##*Signature=}"`;

/** "Signature calculations and examples" in the Amazon S3 API Reference, and AWS's aws-sig-v4-test-suite. */
const S3_KEY = { key_id: "AKIAIOSFODNN7EXAMPLE", secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };
const S3_DAY = { sign_date: "20130524T000000Z", sign_region: "us-east-1", sign_service: "s3" };
const SUITE = {
  key_id: "AKIDEXAMPLE",
  secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  sign_date: "20150830T123600Z",
  sign_region: "us-east-1",
  sign_service: "service",
};
const HOST = "host:example.amazonaws.com";
const DATE = "x-amz-date:20150830T123600Z";
const UNRESERVED = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const S3_VECTORS: readonly (readonly [string, Request, string])[] = [
  [
    "GET Object with a Range",
    {
      path: "/test.txt",
      headers: [
        "host:examplebucket.s3.amazonaws.com",
        "range:bytes=0-9",
        `x-amz-content-sha256:${NOTHING}`,
        "x-amz-date:20130524T000000Z",
      ],
    },
    "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  ],
  [
    "GET Bucket Lifecycle",
    {
      query: "lifecycle=",
      headers: [
        "host:examplebucket.s3.amazonaws.com",
        `x-amz-content-sha256:${NOTHING}`,
        "x-amz-date:20130524T000000Z",
      ],
    },
    "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
  ],
  [
    "GET Bucket (List Objects)",
    {
      query: "max-keys=2&prefix=J",
      headers: [
        "host:examplebucket.s3.amazonaws.com",
        `x-amz-content-sha256:${NOTHING}`,
        "x-amz-date:20130524T000000Z",
      ],
    },
    "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
  ],
];

const SUITE_VECTORS: readonly (readonly [string, Request, string])[] = [
  ["get-vanilla", { headers: [HOST, DATE] }, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"],
  [
    "get-unreserved",
    { path: `/${UNRESERVED}`, headers: [HOST, DATE] },
    "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
  ],
  [
    "get-utf8",
    { path: "/%E1%88%B4", headers: [HOST, DATE] },
    "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
  ],
  [
    "get-vanilla-query-order-key-case",
    { query: "Param1=value1&Param2=value2", headers: [HOST, DATE] },
    "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
  ],
  [
    "get-vanilla-query-unreserved",
    { query: `${UNRESERVED}=${UNRESERVED}`, headers: [HOST, DATE] },
    "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
  ],
  [
    "get-vanilla-utf8-query",
    { query: "%E1%88%B4=bar", headers: [HOST, DATE] },
    "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
  ],
  [
    "get-header-key-duplicate",
    { headers: [HOST, "my-header1:value2,value2,value1", DATE] },
    "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
  ],
  [
    "get-header-value-order",
    { headers: [HOST, "my-header1:value4,value1,value3,value2", DATE] },
    "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
  ],
];

describe.each(SHELLS)("stage1's sign() under $name", ({ argv }) => {
  test.each(S3_VECTORS)("makes the signature of AWS's example %s", (_name, request, signature) => {
    expect(sh(argv, sign(request), { ...S3_KEY, ...S3_DAY })).toBe(`${signature}\n`);
  });

  test.each(SUITE_VECTORS)("makes the signature of the test suite's %s", (_name, request, signature) => {
    expect(sh(argv, sign(request), SUITE)).toBe(`${signature}\n`);
  });

  test("names the credential's scope and the signed headers", () => {
    const script = `sign / '' '${HOST}\n${DATE}' ${NOTHING}\necho "\${authorization%Signature=*}"`;
    expect(sh(argv, script, SUITE)).toBe(
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request,SignedHeaders=host;x-amz-date,\n",
    );
  });

  test("makes HMACs of keys of any length and of every printable character", () => {
    const ascii = Array.from({ length: 95 }, (_, at) => String.fromCharCode(at + 32)).join("");
    for (const key of ["k", ascii.slice(0, 63), ascii.slice(31), ascii, `${ascii}${ascii}`]) {
      expect(sh(argv, 'pads text "$key"\nhmac "a message"\necho "$sha256"', { key })).toBe(
        `${createHmac("sha256", key).update("a message").digest("hex")}\n`,
      );
    }
  });

  test("makes HMACs whose pads and digests hold NUL bytes", () => {
    // 0x36 and 0x5c are what the two pads mask with.
    const key = "00365c".padEnd(64, "0");
    expect(sh(argv, `pads hex ${key}\nhmac x\necho "$sha256"`)).toBe(
      `${createHmac("sha256", Buffer.from(key, "hex")).update("x").digest("hex")}\n`,
    );
  });

  test("encode() leaves what a path may hold and writes the rest as %XX", () => {
    const text = `a/b c~d+e"f\\g{h}?#%&=:@!$'()*,;<>[]^\`|`;
    const expected = encodeURIComponent(text)
      .replaceAll("%2F", "/")
      .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
    expect(sh(argv, 'encode "$text"\necho "$encoded"', { text })).toBe(`${expected}\n`);
  });

  describe("on a machine where somebody watches the processes", () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "bootlace-argv-"));
      for (const tool of ["sha256sum", "printf", "openssl", "xxd", "od", "cat", "tr", "sed"]) {
        const text = `#!/bin/dash\nprintf '%s\\n' "${tool}[$*]" >>"${folder}/seen"\nexec /usr/bin/${tool} "$@"\n`;
        writeFileSync(join(folder, tool), text);
        chmodSync(join(folder, tool), 0o755);
      }
    });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    test("starts 11 times sha256sum for the first signature and 3 times for the next, with nothing to see", () => {
      const [, request] = S3_VECTORS[0]!;
      const env = { ...S3_KEY, ...S3_DAY, PATH: `${folder}:${process.env.PATH}` };
      const count = (script: string): readonly string[] => {
        writeFileSync(join(folder, "seen"), "");
        sh(argv, script, env);
        return readFileSync(join(folder, "seen"), "utf8").trim().split("\n");
      };
      const once = count(`${sign(request)} >/dev/null`);
      expect(once).toEqual(Array.from({ length: 11 }, () => "sha256sum[]"));
      expect(count(`${sign(request)} >/dev/null\n${sign(request)} >/dev/null`)).toHaveLength(14);
    });
  });
});
