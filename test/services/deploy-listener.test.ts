import { expect, test, vi } from "vitest";

test.each(["build", "smoke"])(
  "deploy-listener: a machine for a %s subscribes to nothing and starts nothing",
  async (purpose) => {
    vi.resetModules();
    vi.stubEnv("BOOTLACE_PURPOSE", purpose);
    const argv = process.argv;
    process.argv = ["node", "update.mjs"];
    const told = vi.spyOn(console, "log").mockReturnValue();
    const failed = vi.spyOn(console, "error").mockReturnValue();
    try {
      await import("../../services/bootlace/deploy-listener/update.ts");
      expect(told.mock.calls).toEqual([[`no subscription: this machine's purpose is ${purpose}`]]);
      expect(failed).not.toHaveBeenCalled();
    } finally {
      process.argv = argv;
      process.exitCode = undefined;
      vi.restoreAllMocks();
      vi.unstubAllEnvs();
    }
  },
);
