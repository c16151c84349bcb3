import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { makePolicies } from "../../../../src/setup/policies.ts";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
/** Building, machines, images; rolling out. */
const BUILDING = ["src/machine/ec2"];
const ALL = [...BUILDING, "src/rollout"];

/** Clients are called `api`, or are asked for in the very call; each operation is a method of its name. */
const CALL =
  /(?:(?<![.\w])(?:api|ec2|ssm|scaling)|\(await (?:this\.#api|ec2Client|ssmClient|autoScalingClient)\([^()]*\)\))\s*\.(?!destroy|config\b)([a-z]\w+)\(/g;
const SERVICE: Readonly<Record<string, string>> = {
  GetParameter: "ssm",
  DescribeParameters: "ssm",
  GetParameterHistory: "ssm",
  GetParameters: "ssm",
  PutParameter: "ssm",
  DescribeAutoScalingGroups: "autoscaling",
  DescribeInstanceRefreshes: "autoscaling",
  DescribeLaunchConfigurations: "autoscaling",
  DescribeScalingActivities: "autoscaling",
  RollbackInstanceRefresh: "autoscaling",
  StartInstanceRefresh: "autoscaling",
  UpdateAutoScalingGroup: "autoscaling",
};

/** What the code calls, as IAM writes it. */
function called(folders: readonly string[]): readonly string[] {
  const names = new Set<string>();
  const files = folders.flatMap((folder) =>
    readdirSync(`${root}${folder}`, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => `${root}${folder}/${name}`),
  );
  for (const file of files)
    for (const [, name = ""] of readFileSync(file, "utf8").matchAll(CALL))
      names.add(`${name[0]?.toUpperCase()}${name.slice(1)}`);
  return [...names].map((name) => `${SERVICE[name] ?? "ec2"}:${name}`).sort();
}

/** The table of docs/ec2.md: a service's name stands before its first action of a cell. */
function documented(): readonly string[] {
  const page = readFileSync(`${root}docs/ec2.md`, "utf8");
  const table = /\n## Rights\n([\s\S]*?)\n## /.exec(page)?.[1] ?? "";
  const actions = new Set<string>();
  for (const line of table.split("\n").filter((line) => line.startsWith("| "))) {
    let service = "ec2";
    for (const [, word = ""] of line.matchAll(/`([\w:]+)`/g)) {
      const [before, name] = word.includes(":") ? word.split(":") : [service, word];
      service = before ?? service;
      if (/^[A-Z]\w+$/.test(name ?? "")) actions.add(`${service}:${name}`);
    }
  }
  return [...actions].sort();
}

const ofEc2 = (actions: readonly string[]) =>
  actions.filter((action) => /^(?:ec2|ssm|autoscaling):/.test(action)).sort();

test("docs/ec2.md lists the rights that the code needs, and no other", () => {
  expect(called(ALL)).toContain("ec2:RunInstances");
  expect(ofEc2(documented())).toEqual(called(ALL));
});

test("makePolicies() gives a builder just the calls that the code makes", () => {
  const { builder } = makePolicies({ project: "shop", region: "eu-west-1", store: undefined, table: undefined });
  const granted = [...new Set(builder.Statement.flatMap(({ Action }) => Action))];
  expect(ofEc2(granted)).toEqual(called(BUILDING));
});
