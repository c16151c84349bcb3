import { expect, test } from "vitest";
import { parseTarget } from "../../../src/session/parse-target.ts";

test.each([
  ["web", { host: "web" }],
  ["ops@10.0.0.5", { host: "10.0.0.5", user: "ops" }],
  ["10.0.0.5:2222", { host: "10.0.0.5", port: 2222 }],
  ["ops@corp@web.example:22", { host: "web.example", user: "ops@corp", port: 22 }],
  ["[::1]:22", { host: "::1", port: 22 }],
  ["root@[fe80::1%eth0]", { host: "fe80::1%eth0", user: "root" }],
  ["2001:db8::5", { host: "2001:db8::5" }],
  ["ssh://ops@web:2200", { host: "web", user: "ops", port: 2200 }],
  ["i-0123456789abcdef0", { host: "i-0123456789abcdef0" }],
])("parseTarget() takes %s apart", (text, expected) => {
  expect(parseTarget(text)).toEqual(expected);
});

test.each([
  "",
  "-oProxyCommand=id",
  "ops@",
  "@web",
  "web:0",
  "web:70000",
  "web:x",
  "a b",
  "web;id",
  "-l@web",
  "$(id)@web",
])("parseTarget() refuses %j", (text) => {
  expect(() => parseTarget(text)).toThrow(expect.objectContaining({ code: "E_SESSION_TARGET" }));
});
