import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { HYGIENE, SEAL_VERSION } from "../../../src/seal/hygiene.ts";
import { LEFTOVERS } from "../../../src/seal/leftovers.ts";
import { SHORTEST, SHORTEST_LINE } from "../../../src/seal/needles.ts";

const page = readFileSync(new URL("../../../docs/sealing.md", import.meta.url), "utf8");

test("docs/sealing.md shows the hygiene table as it is, both ways", () => {
  const rows = [...page.matchAll(/^\| ([a-z-]+) +\| (.+?) +\| (.+?) +\|$/gm)].map(([, id, what, why]) => ({
    id,
    what,
    why,
  }));
  expect(rows.filter(({ id }) => id !== "id" && !id?.startsWith("-"))).toEqual(
    HYGIENE.map(({ id, what, why }) => ({ id, what, why })),
  );
  expect(page).toContain(`Version ${SEAL_VERSION} of the table`);
});

test("docs/sealing.md names every kind of leftover that verify looks for, and no other", () => {
  const named = [...page.matchAll(/^- (.+?)(?: \(.*)?$/gm)].map(([, what]) => what);
  expect(named).toEqual([...new Set(LEFTOVERS.map(({ what }) => what))]);
  expect(page).toContain(`fewer than ${SHORTEST} bytes`);
  expect(page).toContain(`fewer than ${SHORTEST_LINE} bytes`);
});
