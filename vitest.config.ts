import { configDefaults, defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // `npm run test:e2e` has the virtual machines, and whole builds at the EC2 endpoint.
    exclude: [
      ...configDefaults.exclude,
      "test/e2e/**",
      "test/src/machine/qemu/*.e2e.test.ts",
      "test/src/machine/ec2/{build,publish,verify}.e2e.test.ts",
      "test/src/rollout/whole-rollout.e2e.test.ts",
    ],
    globalSetup: ["test/support/global-setup.ts"],
    // For what hangs. How fast something is, bench/ tells: a computer may be four times slower than another.
    testTimeout: 900_000,
    hookTimeout: 900_000,
    expect: { poll: { timeout: 120_000, interval: 20 } },
    pool: "forks",
    maxWorkers: 2,
  },
});
