import { describe, expect, test } from "vitest";
import { projectSchema } from "../../../src/manifest/project-schema.ts";

const takes = (more: object): boolean => projectSchema.safeParse({ name: "shop", ...more }).success;

describe("projectSchema", () => {
  test.each(["https://minio.example.com", "http://127.0.0.1:9000", "http://[::1]:9000/", "https://minio_1/base/s3"])(
    "takes the endpoint %s",
    (endpoint) => {
      expect(takes({ s3: { endpoint } })).toBe(true);
    },
  );

  test.each([
    ["a user", "https://ann@minio.example.com"],
    ["a password", "https://ann:secret@minio.example.com"],
    ["a query", "https://minio.example.com/?x=1"],
    ["a fragment", "https://minio.example.com/#x"],
    ["a backslash", "https://minio.example.com\\x"],
    ["a quote", 'https://minio.example.com/"x'],
    ["an apostrophe", "https://minio.example.com/'x"],
    ["a port that is none", "https://minio.example.com:99999"],
    ["no host", "https:///x"],
    ["another scheme", "ftp://minio.example.com"],
  ])("refuses an endpoint with %s, which no boot could use", (_name, endpoint) => {
    expect(takes({ s3: { endpoint } })).toBe(false);
  });

  test.each([
    ["/etc/bootlace/keys", true],
    ["etc/bootlace/keys", false],
    ["/etc/boot lace/keys", false],
    ["/etc/'keys", false],
    ["/", false],
  ])("boot.keysFile %s", (keysFile, good) => {
    expect(takes({ boot: { keysFile } })).toBe(good);
  });

  test.each([
    ["1h", true],
    ["59m", false],
    ["3599999ms", false],
  ])("boot.lifetime %s", (lifetime, good) => {
    expect(takes({ boot: { lifetime } })).toBe(good);
  });

  test.each([
    ["prod", true],
    ["none", true],
    ["2026.prod-eu", true],
    ["a".repeat(64), true],
    ["a".repeat(65), false],
    ["a..b", false],
    [".a", false],
    ["a-", false],
    ["Prod", false],
    ["a/b", false],
    ["a\n", false],
  ])("boot.follow %j", (follow, good) => {
    expect(takes({ boot: { follow } })).toBe(good);
  });

  test.each([
    ["fr-par", true],
    ["auto", true],
    ["eusc-de-east-1", true],
    ["Ireland", false],
    ["eu west", false],
    ["a".repeat(65), false],
  ])("region %s", (region, good) => {
    expect(takes({ region })).toBe(good);
  });
});
