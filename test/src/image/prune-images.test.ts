import { expect, test } from "vitest";
import { pruneImages } from "../../../src/image/prune-images.ts";
import { sampleRecord } from "./sample-record.ts";

const rule = { keep: 1, olderThan: 0, now: 2_000_000_000_000 };
const ids = (images: Parameters<typeof pruneImages>[0]) => pruneImages(images, rule).map(({ id }) => id);

test("pruneImages() keeps the newest few of each architecture of each provider, and what was made by hand", () => {
  const images = [
    sampleRecord("web", "6", { arch: "x86_64" }),
    sampleRecord("web", "5", { arch: "x86_64" }),
    sampleRecord("web", "4", { arch: "arm64" }),
    sampleRecord("web", "3", { arch: "arm64" }),
    sampleRecord("web", "2", { provider: "qemu", arch: "arm64" }),
    sampleRecord("web", "1", { arch: "arm64", provenance: "imported" }),
  ];
  expect(ids(images)).toEqual(["5", "3"]);
});

test("pruneImages() keeps what is in quarantine while nothing good of its architecture came after it", () => {
  const images = [
    sampleRecord("web", "3", { arch: "x86_64" }),
    sampleRecord("web", "2", { arch: "x86_64", state: "quarantined" }),
    sampleRecord("web", "1", { arch: "arm64", state: "quarantined" }),
  ];
  expect(ids(images)).toEqual(["2"]);
});
