import { describe, expect, test } from "vitest";
import { machineBootConf } from "../../../src/deploy/boot-conf.ts";
import { wantedRuntimes } from "../../../src/deploy/wanted-runtimes.ts";
import { projectSchema } from "../../../src/manifest/project-schema.ts";
import { deskArch } from "../../../src/runtime/pinned.ts";

describe("machineBootConf()", () => {
  test("boots what is on the machine when the project follows no channel", () => {
    expect(machineBootConf(projectSchema.parse({ name: "shop" }), "/home/ann/shop")).toBe(
      "v=1\nstore=none\nproject=shop\nruntime=digest\ndeadline=180\nexpiry=warn\n",
    );
  });

  test("follows the channel in the project's store, a path made a file:// address", () => {
    const boot = { follow: "stable", deadline: "90s", expiry: "refuse" };
    const config = projectSchema.parse({
      name: "shop",
      store: "../store",
      region: "eu-west-1",
      runtime: "system",
      boot,
    });
    expect(machineBootConf(config, "/home/ann/shop")).toBe(
      "v=1\nstore=file:///home/ann/store\nproject=shop\nchannel=stable\nruntime=system\ndeadline=90\nexpiry=refuse\n",
    );
    const remote = projectSchema.parse({ name: "shop", store: "https://boot.example.com/shop", boot });
    expect(machineBootConf(remote, "/")).toContain("store=https://boot.example.com/shop\n");
  });

  test("tells how a bucket is reached, and which tags are believed", () => {
    const config = projectSchema.parse({
      name: "shop",
      store: "s3://acme-boot/shop",
      region: "eu-west-1",
      s3: { endpoint: "https://minio.example.com", pathStyle: true, bucketOwner: "111122223333", kmsKey: "alias/boot" },
      boot: { follow: "stable", auth: "keys", keysFile: "/etc/bootlace/keys", tags: ["services", "channel"] },
    });
    expect(machineBootConf(config, "/")).toBe(
      "v=1\nstore=s3://acme-boot/shop\nproject=shop\nchannel=stable\nruntime=digest\nauth=keys\nkeysfile=/etc/bootlace/keys\nregion=eu-west-1\nendpoint=https://minio.example.com\npath-style=yes\nbucket-owner=111122223333\ndeadline=180\nexpiry=warn\ntags=services,channel\n",
    );
  });
});

describe("wantedRuntimes()", () => {
  test("names each architecture of images and machines once, else that of the desk, none where machines use their own Node", () => {
    const images = { web: { arch: ["x86_64", "arm64"] }, db: { arch: "arm64" } };
    expect(wantedRuntimes(projectSchema.parse({ name: "shop", images }))).toEqual(["arm64", "x86_64"]);
    expect(wantedRuntimes(projectSchema.parse({ name: "shop" }))).toEqual([deskArch()]);
    expect(wantedRuntimes(projectSchema.parse({ name: "shop", images, runtime: "system" }))).toEqual([]);
  });
});
