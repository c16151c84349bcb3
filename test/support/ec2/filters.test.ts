import { expect, test } from "vitest";
import { filtered, page } from "./protocol/filters.ts";
import { readForm } from "./protocol/query.ts";
import { operation } from "./protocol/schema.ts";
import { specifiedTags } from "./tag-book.ts";

const rows = ["debian-12", "debian-12.1", "debian-1*2", "ubuntu"].map((name) => ({ name }));
const select = (...Values: string[]) =>
  filtered(rows, [{ Name: "name", Values }], { name: (row) => [row.name] }).map(({ name }) => name);

test("filtered() takes * and ? as patterns, a backslash before them as themselves, and everything else as it is", () => {
  expect(select("debian-12?1", "ubuntu")).toEqual(["debian-12.1", "ubuntu"]);
  expect(select("debian-*")).toEqual(["debian-12", "debian-12.1", "debian-1*2"]);
  expect(select("debian-1\\*2")).toEqual(["debian-1*2"]);
  expect(select("debian.12")).toEqual([]);
  expect(() => filtered(rows, [{ Name: "colour", Values: ["x"] }], {})).toThrow("The filter 'colour' is invalid");
});

test("page() goes through everything once", () => {
  const first = page(rows, { MaxResults: 3 });
  const second = page(rows, { MaxResults: 3, NextToken: first.next });
  expect([...first.items, ...second.items]).toEqual(rows);
  expect(second.next).toBeUndefined();
});

test("readForm() reads counted lists in their order, and refuses a name that the action does not have", () => {
  const shape = operation("RunInstances")!.input;
  const text =
    "Action=RunInstances&SecurityGroupId.10=b&SecurityGroupId.2=a&MinCount=1&MetadataOptions.HttpTokens=required";
  expect(readForm(new URLSearchParams(text), shape)).toEqual({
    SecurityGroupIds: ["a", "b"],
    MinCount: 1,
    MetadataOptions: { HttpTokens: "required" },
  });
  expect(() => readForm(new URLSearchParams("MinCont=1"), shape)).toThrow("The parameter MinCont is not recognized");
  expect(() => readForm(new URLSearchParams("MinCount=one"), shape)).toThrow("Value (one) for parameter MinCount");
});

test("specifiedTags() refuses tags for what the action does not make, and AWS's own prefix", () => {
  const tags = (ResourceType: "instance" | "image", Key: string) =>
    specifiedTags([{ ResourceType, Tags: [{ Key, Value: "x" }] }], ["instance"]);
  expect(tags("instance", "a")).toEqual({ instance: [{ Key: "a", Value: "x" }] });
  expect(() => tags("image", "a")).toThrow("not a valid taggable resource type");
  expect(() => tags("instance", "aws:x")).toThrow("reserved");
});
