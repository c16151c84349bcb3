import { execFileSync } from "node:child_process";
import { createHash, generateKeyPairSync } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { PRIVATE_KEY } from "../../../src/seal/leftovers.ts";
import type { Needle } from "../../../src/seal/needles.ts";
import { findUnclean } from "../../../src/seal/verify-clean.ts";
import { ensureDebianPackages } from "../../support/debian.ts";
import { makeProject } from "../../support/small-project.ts";

beforeAll(() => ensureDebianPackages(["attr"]));

const TOKEN = "Hunter2+Secret";
const NEEDLES: readonly Needle[] = [{ name: "the token", bytes: Buffer.from(TOKEN) }];
const sh = (script: string, ...args: string[]) => execFileSync("sh", ["-euc", script, "sh", ...args]);
const found = async (folder: string, needles = NEEDLES): Promise<readonly string[]> =>
  (await findUnclean({ kind: "folder", path: folder }, needles)).map(({ path, what }) => `${path}: ${what}`);

test("findUnclean() finds a value in the name of a file and of a folder, which is told once, not for all below", async () => {
  const dir = await makeProject({});
  sh(
    'mkdir -p "$1/srv/x-$2"; : >"$1/srv/x-$2/a"; : >"$1/srv/x-$2/b"; : >"$1/srv/y-$2"; mkfifo "$1/srv/z-$2"',
    dir,
    TOKEN,
  );
  expect(await found(dir)).toEqual(["x", "y", "z"].map((name) => `/srv/${name}-${TOKEN}: the token, in its name`));
});

test("findUnclean() finds a value with a slash in it in a path", async () => {
  const dir = await makeProject({ "srv/pass/word/file": "" });
  const needles = [{ name: "the token", bytes: Buffer.from("pass/word") }];
  expect(await found(dir, needles)).toEqual(["/srv/pass/word: the token, in its name"]);
});

test("findUnclean() finds a value in what a link points to, and follows no link", async () => {
  const dir = await makeProject({ "outside/file": TOKEN });
  sh('mkdir "$1/layer"; ln -s "a/$2" "$1/layer/link"; ln -s ../outside "$1/layer/away"', dir, TOKEN);
  expect(await found(`${dir}/layer`)).toEqual(["/link: the token, in what the link points to"]);
});

test("findUnclean() finds a value in an extended attribute of any kind but overlayfs's own, of files and folders", async () => {
  const dir = await makeProject({ "srv/user file\n2": "x", "srv/trusted": "x", "srv/own/x": "", "srv/plain": "x" });
  sh(
    `setfattr -n user.tok -v "a
b $2" "$1/srv/user file
2"; setfattr -n "user.$2" -v x "$1/srv"
setfattr -n trusted.tok -v "$2" "$1/srv/trusted"; setfattr -n trusted.overlay.origin -v "$2" "$1/srv/own"
long=$1/srv/$(printf %0150d 1)/$(printf %0150d 2); mkdir -p "$long"; setfattr -n user.tok -v "$2" "$long"
truncate -s 100M "$1/srv/sparse"; echo end >>"$1/srv/sparse"; setfattr -n user.tok -v "$2" "$1/srv/sparse"`,
    dir,
    TOKEN,
  );
  const long = `/srv/${"1".padStart(150, "0")}/${"2".padStart(150, "0")}`;
  expect([...(await found(dir))].sort()).toEqual(
    ["/srv", "/srv/sparse", "/srv/trusted", "/srv/user file\n2", long]
      .map((path) => `${path}: the token, in an extended attribute`)
      .sort(),
  );
});

test("findUnclean() reads files whose names are not UTF-8", async () => {
  const dir = await makeProject({});
  sh(`mkdir "$1/$(printf '\\377')"; echo "$2" >"$1/$(printf '\\377')/$(printf 'a\\376')"`, dir, TOKEN);
  expect(await found(dir)).toEqual(["/\ufffd/a\ufffd: the token"]);
});

test("findUnclean() finds a private key of every kind wherever it lies, by its content", async () => {
  const pem = (type: "pkcs8" | "pkcs1") =>
    generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export({ type, format: "pem" }).toString();
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const locked = privateKey.export({ type: "sec1", format: "pem", cipher: "aes-128-cbc", passphrase: "x" }).toString();
  const keys = {
    "srv/pkcs8.pem": pem("pkcs8"),
    "srv/far": `${"x".repeat(2 ** 20 - 20)}${pem("pkcs1")}`,
    "srv/dos.pem": pem("pkcs8").replaceAll("\n", "\r\n"),
    "srv/account.json": JSON.stringify({ private_key: pem("pkcs8") }),
    "srv/values.yaml": `key: |\n${pem("pkcs8").replace(/^/gm, "    ")}`,
    "srv/locked.pem": locked,
    "opt/app/.ssh/id_old": "-----BEGIN OPENSSH PRIVATE KEY-----\n",
  };
  expect(locked).toContain("DEK-Info");
  const dir = await makeProject({
    ...keys,
    "srv/public.pem": generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }).toString(),
    "usr/bin/tool": `read -----BEGIN RSA PRIVATE KEY-----\0-----END RSA PRIVATE KEY-----\0${"x".repeat(100)}`,
    "usr/share/doc/keys": "It begins with -----BEGIN PRIVATE KEY----- and a line of base64.\n",
  });
  expect(await found(dir)).toEqual(
    Object.keys(keys)
      .sort()
      .map((path) => `/${path}: a private key`),
  );
});

test("findUnclean() lets a private key pass that a package brought, not one that was put in its place", async () => {
  const key = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const sum = createHash("md5").update(key).digest("hex");
  const dir = await makeProject({
    "var/lib/dpkg/info/tool.md5sums": `${sum}  usr/share/doc/tool/example.pem\n`,
    "usr/share/doc/tool/example.pem": key,
    "usr/share/doc/tool/changed.pem": `${key}\n`,
    "usr/lib/libtls.so": `\x7fELF${key}`,
    "usr/local/bin/ours": `\x7fELF${key}`,
    "usr/lib/python3/__pycache__/tool.cpython-311.pyc": key,
  });
  expect(await found(dir)).toEqual([
    "/usr/local/bin/ours: a private key",
    "/usr/share/doc/tool/changed.pem: a private key",
  ]);
});

test("the search for private keys takes no longer for text that was made to keep it busy", () => {
  const text = `-----BEGIN PRIVATE KEY-----\n${"a: ".repeat(170)}`;
  expect(PRIVATE_KEY.content.test(text)).toBe(false);
  expect(PRIVATE_KEY.content.test(text.replaceAll(": ", ": \n"))).toBe(false);
});

test.each([
  ["a history", ["srv/shop/.bash_history", "root/.bash_history-00123.tmp", "home/u/.local/share/fish/fish_history"]],
  [
    "credentials",
    [
      "home/u/.config/gh/hosts.yml",
      "home/u/.cargo/credentials.toml",
      "var/lib/app/.netrc",
      "opt/a/.docker/config.json",
    ],
  ],
  ["an SSH host key", ["etc/ssh/ssh_host_ed25519_key.bak", "etc/ssh/ssh_host_rsa_key-cert.pub"]],
  ["a run's record", ["var/lib/bootlace/journal.damaged-1"]],
])("findUnclean() finds %s by its path, in whosever home", async (what, paths) => {
  const dir = await makeProject(Object.fromEntries(paths.map((path) => [path, "x"])));
  expect([...(await found(dir))].sort()).toEqual(paths.map((path) => `/${path}: ${what}`).sort());
});

test("findUnclean() tells a configuration from credentials, and a swap file from a file of that name", async () => {
  const dir = await makeProject({
    "a/.npmrc": "registry=https://registry.example/\n",
    "b/.npmrc": "//registry.example/:_authToken=x\n",
    "a/.aws/config": "[default]\nregion=eu-central-1\n",
    "b/.aws/config": "[default]\naws_secret_access_key = x\n",
    "a/.cache.swo": "shared object",
    "etc/bootlace/boot.conf": "v=1\nauth=presigned\n",
    "srv/etc/bootlace/boot.conf": "v=1\nauth=presigned\n",
    "b/.notes.swp": "b0VIM 9.0",
  });
  expect(await found(dir)).toEqual([
    "/b/.aws/config: credentials",
    "/b/.notes.swp: an editor's swap file",
    "/b/.npmrc: credentials",
    "/etc/bootlace/boot.conf: presigned URLs, which run out",
  ]);
});
