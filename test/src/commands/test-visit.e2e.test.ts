import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { quote } from "../../../stage2/index.ts";
import { startDesk } from "../../support/desk.ts";
import { makeProject, SMALL } from "../../support/small-project.ts";

const leftOver = (dir: string) => ["machines", "ledger"].flatMap((name) => readdirSync(join(dir, ".bootlace", name)));
const web = (update: string): string => `description: Web\nupdate: |\n  ${update}\n`;

test("test --watch applies again when a script is saved, outlives one that fails, and Ctrl-C removes the machine", async () => {
  const dir = await makeProject({ ...SMALL, "services/web/service.yaml": web("echo first") });
  const save = (update: string) => writeFile(join(dir, "services/web/service.yaml"), web(update));
  const { child, line, ended } = startDesk(["-C", dir, "test", "web", "--watch"]);
  await line("Watching");
  await save("echo broken now; exit 3");
  await line("✖ web.update exit=3");
  await save("echo mended now");
  await line("| mended now");
  child.kill("SIGINT");
  expect(await ended).toMatchObject({ exit: 130, err: "" });
  expect(leftOver(dir)).toEqual([]);
});

test("test --shell gives the terminal to a shell on the machine, and the machine goes when the shell ends", async () => {
  const dir = await makeProject({ ...SMALL, "services/web/service.yaml": web("echo mark >/srv/mark") });
  const command = [process.execPath, fileURLToPath(new URL("../../../bin/bootlace.js", import.meta.url))];
  const words = [...command, "-C", dir, "test", "web", "--shell"].map(quote).join(" ");
  const terminal = spawn("script", ["-qec", words, "/dev/null"], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(terminal, "exit");
  let screen = "";
  let typed = 0;
  terminal.stdout.on("data", (chunk: Buffer) => {
    screen += chunk.toString();
    // What is typed is echoed, so the answers are spelled in another way than the questions.
    if (typed === 0 && /# $/.test(screen)) {
      typed = 1;
      terminal.stdin.write('tty; hostname; echo "it has $(cat /srv/mark)"\n');
    }
    if (typed === 1 && screen.includes("it has mark")) {
      typed = 2;
      terminal.stdin.write("exit 0\n");
    }
  });
  expect(await ended).toEqual([0, null]);
  expect(screen).toMatch(/\/dev\/pts\/\d+\r*\nbootlace-test\r*\nit has mark\r*\n/);
  expect(leftOver(dir)).toEqual([]);
});
