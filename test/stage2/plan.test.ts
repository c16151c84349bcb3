import { describe, expect, test } from "vitest";
import { EMPTY_STATE, foldJournal, type MachineState } from "../../stage2/journal/fold.ts";
import type { Entry } from "../../stage2/journal/record.ts";
import { initDigest } from "../../stage2/plan/digest.ts";
import type { PlanRequest } from "../../stage2/plan/draft.ts";
import { makePlan } from "../../stage2/plan/make-plan.ts";
import { resolveRoots } from "../../stage2/plan/roots.ts";
import type { Facts } from "../../stage2/types/facts.ts";
import { project, type ServiceSketch, service } from "../support/machine-rig.ts";

const facts: Facts = {
  os: "debian",
  osVersion: "12",
  arch: "x86_64",
  provider: "host",
  purpose: "run",
  machine: "m",
  boot: "b",
  hostname: "h",
  has: ["apt", "root"],
};
const both = { init: "true", update: "true" };

function plan(roots: string[], services: Record<string, ServiceSketch>, more: Partial<PlanRequest> = {}) {
  return makePlan({
    project: project(roots, services),
    roots,
    state: EMPTY_STATE,
    facts,
    mach: "mach",
    trigger: "boot",
    ...more,
  });
}

const ids = (made: ReturnType<typeof plan>): string[] => made.steps.map((step) => step.id);

function journalOf(...entries: Entry[]): MachineState {
  return foldJournal(
    entries.map((entry, index) => ({ n: index + 1, t: 1, run: "r", boot: "b", mach: "mach", ...entry })),
  );
}
const done = (name: string, dig = "v0:"): Entry => ({ k: "done", svc: name, phase: "init", dig });
const started = (name: string): Entry => ({ k: "start", svc: name, phase: "init", try: 1, why: "new", pid: 2, pst: 3 });

describe("makePlan()", () => {
  test("takes the closure, all inits with dependencies first, then updates of all", () => {
    const made = plan(["web"], {
      web: { requires: ["user", "base"], scripts: both },
      user: { requires: ["base"], scripts: both },
      base: { scripts: both },
      other: { scripts: both },
    });
    expect(ids(made)).toEqual(["base.init", "user.init", "web.init", "base.update", "user.update", "web.update"]);
    expect(made.steps.map(({ stage }) => stage)).toEqual([0, 0, 0, 1, 1, 1]);
    expect(made.steps.every(({ why }) => why === "new")).toBe(true);
  });

  test("leaves out an init that the journal has, and gives a later service its missing dependencies' init", () => {
    const services = {
      web: { requires: ["base"], scripts: both },
      metrics: { requires: ["agent"], scripts: both },
      agent: { scripts: both },
      base: { scripts: both },
    };
    const state = journalOf(done("base"), done("web"));
    expect(ids(plan(["web"], services, { state }))).toEqual(["base.update", "web.update"]);
    expect(ids(plan(["web"], services, { state, roots: ["web", "metrics"] }))).toEqual([
      "agent.init",
      "metrics.init",
      "agent.update",
      "base.update",
      "metrics.update",
      "web.update",
    ]);
  });

  test("runs init again when the journal ends in the middle of it, and says interrupted", () => {
    expect(plan(["web"], { web: { scripts: both } }, { state: journalOf(started("web")) }).steps[0]).toMatchObject({
      id: "web.init",
      why: "interrupted",
    });
  });

  test("calls an init that another machine of the lineage had begun new, not interrupted", () => {
    expect(
      plan(["web"], { web: { scripts: both } }, { state: journalOf(started("web")), mach: "other" }).steps[0],
    ).toMatchObject({ why: "new" });
  });

  test("says failed-before after a failure, and keeps an init done whose repetition failed only until it runs again", () => {
    const state = journalOf(started("web"), { k: "fail", svc: "web", phase: "init", rc: 1, why: "exit=1" });
    expect(plan(["web"], { web: { scripts: both } }, { state }).steps[0]).toMatchObject({
      id: "web.init",
      why: "failed-before",
    });
  });

  test("warns of, reruns or refuses an init that has changed, as the service says", () => {
    const old = { web: { scripts: { init: "old" } } };
    const state = journalOf(done("web", initDigest(service("web", old.web))));
    const now = (onInitChange: "warn" | "rerun" | "fail") =>
      plan(["web"], { web: { scripts: { init: "new" }, onInitChange } }, { state });
    expect(now("warn")).toMatchObject({ steps: [], changedInits: ["web"] });
    expect(now("rerun").steps).toMatchObject([{ id: "web.init", why: "changed" }]);
    expect(() => now("fail")).toThrow(expect.objectContaining({ code: "E_INIT_CHANGED" }));
    expect(plan(["web"], old, { state }).changedInits).toEqual([]);
  });

  test("counts an init digest of an unknown version as unchanged", () => {
    expect(
      plan(
        ["web"],
        { web: { scripts: { init: "new" }, onInitChange: "rerun" } },
        { state: journalOf(done("web", "v9:whatever")) },
      ).steps,
    ).toEqual([]);
  });

  test("does not rerun dependents of an init that is rerun", () => {
    const state = journalOf(done("base"), done("web"));
    expect(
      ids(
        plan(
          ["web"],
          { web: { requires: ["base"], scripts: { init: "a" } }, base: { scripts: { init: "a" } } },
          { state, rerun: ["base.init"] },
        ),
      ),
    ).toEqual(["base.init"]);
  });

  test("counts a service whose `when` is false as satisfied and does not pull in what only it requires", () => {
    const made = plan(["web"], {
      web: { requires: ["ec2only"], scripts: both },
      ec2only: { when: { provider: ["ec2"] }, requires: ["deep"], scripts: both },
      deep: { scripts: both },
    });
    expect(ids(made)).toEqual(["web.init", "web.update"]);
    expect(made.left).toEqual([{ service: "ec2only", why: "only on ec2; this is host" }]);
  });

  test("refuses needs that the machine lacks, all at once, before anything runs", () => {
    expect(() => plan(["a", "b"], { a: { needs: ["systemd"] }, b: { needs: ["gpu", "root"] } })).toThrow(
      /a needs systemd; b needs gpu$/,
    );
  });

  test("keeps `after` as order only, and only when both are there", () => {
    const services = { web: { after: ["metrics"], scripts: both }, metrics: { scripts: both } };
    expect(ids(plan(["web"], services))).toEqual(["web.init", "web.update"]);
    const made = plan(["web", "metrics"], services);
    expect(made.steps.find(({ id }) => id === "web.update")).toMatchObject({
      needs: ["web.init"],
      after: ["metrics.update"],
    });
  });

  test("hands on the state of a renamed service and reports what is left over", () => {
    const made = plan(
      ["site"],
      { site: { renamedFrom: ["web"], scripts: both } },
      { state: journalOf(done("web"), done("gone")) },
    );
    expect(made).toMatchObject({ renamed: [{ from: "web", to: "site" }], orphaned: ["gone"] });
    expect(ids(made)).toEqual(["site.update"]);
  });

  test("takes an init as done with assumeInit, and says so", () => {
    const made = plan(["web"], { web: { scripts: both } }, { assumeInit: ["web"] });
    expect(ids(made)).toEqual(["web.update"]);
    expect(made.assumed).toEqual(["web"]);
  });

  test("limits itself to a phase; an update whose init has not run is left out with its dependents", () => {
    const services = { web: { requires: ["base"], scripts: both }, base: { scripts: both }, lone: { scripts: both } };
    expect(ids(plan(["web"], services, { phase: "init" }))).toEqual(["base.init", "web.init"]);
    const made = plan(["web", "lone"], services, { phase: "update", state: journalOf(done("lone")) });
    expect(ids(made)).toEqual(["lone.update"]);
    expect(made.left.map((left) => left.service)).toEqual(["base", "web"]);
  });

  test("goes from the dependents down for seal and destroy, also through services without the phase", () => {
    const services = {
      web: { requires: ["middle"], scripts: { seal: "true" } },
      middle: { requires: ["base"] },
      base: { scripts: { seal: "true" } },
    };
    const made = plan(["web"], services, { phase: "seal" });
    expect(made.steps).toMatchObject([{ id: "web.seal" }, { id: "base.seal", after: ["web.seal"] }]);
  });

  test("needs the init of what is required also through a service that has none", () => {
    const made = plan(["web"], {
      web: { requires: ["group"], scripts: both },
      group: { requires: ["base"] },
      base: { scripts: both },
    });
    expect(made.steps.find(({ id }) => id === "web.init")?.needs).toEqual(["base.init"]);
    expect(made.steps.find(({ id }) => id === "web.update")?.needs).toEqual(["web.init", "base.update"]);
  });

  test("puts packages of all pending services into one transaction before the inits that need them", () => {
    const services = {
      web: { packages: { apt: ["apache2", "curl"], dnf: ["httpd"], apk: [] }, scripts: both },
      db: { packages: { apt: ["mariadb-server", "curl"], dnf: [], apk: [] }, scripts: both },
      late: { packages: { apt: ["from-repo"], dnf: [], apk: [] }, packagesAfter: ["web"], scripts: both },
    };
    const made = plan(["web", "db", "late"], services);
    const [first, second] = made.steps.filter((step) => step.kind === "packages");
    expect(first).toMatchObject({
      id: "packages.apt.1",
      packages: { apache2: ["web"], curl: ["db", "web"], "mariadb-server": ["db"] },
    });
    expect(second).toMatchObject({ id: "packages.apt.2", needs: ["web.init"], after: ["packages.apt.1"] });
    expect(made.steps.find(({ id }) => id === "db.init")?.needs).toEqual(["packages.apt.1"]);
    expect(made.steps.find(({ id }) => id === "late.init")?.needs).toEqual(["packages.apt.2"]);
  });

  test("installs a grown package list before the next update, without the init", () => {
    const services = { web: { packages: { apt: ["a", "b"], dnf: [], apk: [] }, scripts: both } };
    const state = journalOf(done("web"), { k: "packages", svc: "web", spec: { manager: "apt", names: ["a"] } });
    const made = plan(["web"], services, { state });
    expect(ids(made)).toEqual(["packages.apt.1", "web.update"]);
    expect(made.steps[1]?.needs).toEqual(["packages.apt.1"]);
  });

  test("keeps the edges of a chain of 10,000 services few", () => {
    const services = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, i) => [
        `s${i}`,
        { requires: i === 0 ? [] : [`s${i - 1}`], scripts: i % 3 === 0 ? both : {} },
      ]),
    );
    const edges = plan(["s9999"], services).steps.reduce((sum, step) => sum + step.needs.length, 0);
    expect(edges).toBeLessThan(20_000);
  });
});

describe("resolveRoots()", () => {
  test("lets the strongest source decide, and +NAME add to the next", () => {
    expect(resolveRoots([[], ["web"], ["shop"]])).toEqual(["web"]);
    expect(resolveRoots([["+metrics"], ["web"], ["shop"]])).toEqual(["metrics", "web"]);
    expect(resolveRoots([["+a"], ["+b"], ["c"]])).toEqual(["a", "b", "c"]);
    expect(resolveRoots([["a", "+b"], ["c"]])).toEqual(["a", "b"]);
  });
});
