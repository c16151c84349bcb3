import { execFileSync, spawnSync } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { ensureDebianPackages } from "../support/debian.ts";
import { ServiceMachine } from "./machine.ts";

beforeAll(() => ensureDebianPackages(["packer", "cloud-init", "curl", "openssl"]));

const IMAGES = `images:
  ami: {on: ec2, from: {ami: ami-0123456789abcdef0}, services: [web], ec2: {type: [t3.micro, t3.small]}}
  newest: {on: ec2, from: {name: "al2023-ami-2023.*", owner: amazon}, services: [web]}
  asked: {on: ec2, from: {ssm: "/aws/service/x-{arch}"}, services: [web], login: admin}
  plain: {services: [web]}
`;
const config = (store: string, more = "") =>
  `name: shop\nruntime: system\nservices: [web]\nregion: eu-west-1\nstore: ${store}\n${IMAGES}machines: {dev: {on: sandbox}}\n${more}`;
const web = { "services/web/service.yaml": "init: |\n  echo init >>/srv/log\nupdate: |\n  echo update >>/srv/log\n" };
const AUTH = "boot: {follow: stable, auth: role}\n";

async function projectOf(store: string, more: string): Promise<ServiceMachine> {
  const machine = await ServiceMachine.make({ "bootlace.yaml": config(store, more), ...web });
  await machine.bootlace("key", "new");
  return machine;
}

test("export packer writes what packer validate takes, with the archive that it uploads", async () => {
  const desk = await projectOf("s3://acme-boot/shop", AUTH);
  const out = join(desk.dir, "packer");
  const variables: Readonly<Record<string, readonly string[]>> = {
    asked: ["-var", "source_ami=ami-0123456789abcdef0"],
    plain: ["-var", "host=192.0.2.1"],
  };
  for (const image of ["ami", "newest", "asked", "plain"]) {
    await desk.bootlace("export", "packer", image, out);
    const env = { ...process.env, CHECKPOINT_DISABLE: "1", AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "x" };
    const validate = (...more: readonly string[]) =>
      spawnSync("packer", ["validate", ...more, `${image}.json`], { cwd: out, env, encoding: "utf8" });
    const given = variables[image] ?? [];
    const { status, stdout, stderr } = validate(...given);
    expect([image, status, stdout + stderr]).toEqual([image, 0, expect.not.stringMatching(/rror/)]);
    if (given.length > 0) expect(validate().status).toBe(1);
  }
  const listed = execFileSync("tar", ["-tzf", join(out, "bootlace-stage1.tar.gz")], { encoding: "utf8" });
  expect(listed.split("\n")).toEqual(
    expect.arrayContaining(["stage1/stage1", "stage1/install", "boot.conf", "services"]),
  );
  expect(listed).toMatch(/^trust\/[0-9a-f]{16}\.pem$/m);
});

test("export user-data prints what cloud-init's schema takes; its script boots a machine from an HTTP store", async () => {
  const desk = await projectOf("http://127.0.0.1:1", "boot: {follow: stable}\n");
  const folder = join(desk.dir, "served");
  const server = createServer((request, response) => {
    readFile(join(folder, request.url ?? "")).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close().closeAllConnections());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await writeFile(join(desk.dir, "bootlace.yaml"), config(url, "boot: {follow: stable}\n"));
  await desk.bootlace("deploy", "stable", "--store", folder);
  const text = await desk.bootlace("export", "user-data", "--store", folder);
  const file = join(desk.dir, "user-data");
  await writeFile(file, text);
  expect(text.length).toBeLessThan(16_384);
  expect(execFileSync("cloud-init", ["schema", "--config-file", file], { encoding: "utf8" })).toContain(
    "Valid cloud-config",
  );
  expect(await readdir(join(folder, "artifacts"))).toHaveLength(1);

  // What cloud-init does with it: files with their modes, then the command.
  await writeFile(join(desk.dir, "bootlace.yaml"), config(".bootlace/store"));
  await desk.bootlace("up", "dev", "-s", "web");
  await desk.on("rm -rf /usr/lib/bootlace* /usr/bin/bootlace /etc/bootlace /var/lib/bootlace /srv/log");
  const { write_files, runcmd } = parse(text);
  for (const { path, permissions, content } of write_files) {
    await desk.place(path, content);
    await desk.on(`chmod ${permissions} ${path}`);
  }
  await desk.on(`${runcmd[0].join(" ")} 2>&1`);
  expect(await desk.on("cat /srv/log; ls /etc/bootlace/services")).toBe("init\nupdate\n/etc/bootlace/services\n");

  // Another stage1 in the store is not taken.
  const [blob = ""] = await readdir(join(folder, "artifacts"));
  await writeFile(join(folder, "artifacts", blob), "something else");
  const refused = await desk.sh(runcmd[0].join(" "));
  expect([refused.exit, refused.stderr]).toEqual([1, expect.stringContaining("is not the stage1 that was exported")]);
});

test.each([
  ["boot: {follow: none}\n", "s3://acme-boot/shop", "nothing to fetch"],
  [AUTH.replace(", auth: role", ""), ".bootlace/store", "folder at this desk"],
  ["boot: {follow: stable, auth: keys, keysFile: /etc/k}\n", "s3://acme-boot/shop", "keys before it has stage1"],
])("export user-data refuses %s", async (boot, store, why) => {
  const desk = await projectOf(store, boot);
  const { exit, err } = await desk.run(["export", "user-data", "--store", join(desk.dir, "served")]);
  expect([exit, err]).toEqual([2, expect.stringContaining(why)]);
});
