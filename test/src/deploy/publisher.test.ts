import { hostname } from "node:os";
import { expect, test } from "vitest";
import { publisher } from "../../../src/deploy/publisher.ts";

test("publisher() names a user whom passwd does not know by USER, else by the uid", () => {
  // As userInfo() does for a uid that is nobody's.
  const nobody = (): string => {
    throw new Error("A system error occurred: uv_os_get_passwd returned ENOENT (no such file or directory)");
  };
  expect(publisher(() => "ann")).toBe(`ann@${hostname()}`);
  expect(publisher(nobody, { USER: "bob" })).toBe(`bob@${hostname()}`);
  expect(publisher(nobody, {})).toBe(`uid-${process.getuid?.()}@${hostname()}`);
});
