import { defineConfig } from "vitest/config";

/** Virtual machines and whole builds of AMIs: each takes both processors of a small computer, so one file at a time. */
export default defineConfig({
  test: {
    include: [
      "test/e2e/**/*.test.ts",
      "test/src/machine/qemu/*.e2e.test.ts",
      "test/src/machine/ec2/{build,publish,verify}.e2e.test.ts",
      "test/src/rollout/whole-rollout.e2e.test.ts",
    ],
    globalSetup: ["test/support/global-setup.ts"],
    testTimeout: 1_800_000,
    hookTimeout: 1_800_000,
    expect: { poll: { timeout: 300_000, interval: 50 } },
    pool: "forks",
    fileParallelism: false,
  },
});
