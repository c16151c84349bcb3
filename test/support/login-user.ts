import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";

export interface LoginUser {
  readonly name: string;
  readonly password: string;
  remove(): void;
}

/**
 * A real user of this computer who may log in, with what sudoers says of them: `ALL=(ALL) NOPASSWD: ALL`. Undefined:
 * sudoers does not know them.
 */
export function makeLoginUser(sudoers?: string): LoginUser {
  const name = `bl-${randomBytes(4).toString("hex")}`;
  const password = randomBytes(9).toString("base64");
  execFileSync("useradd", ["--create-home", "--shell", "/bin/sh", name]);
  execFileSync("chpasswd", { input: `${name}:${password}\n` });
  const file = `/etc/sudoers.d/${name}`;
  if (sudoers) writeFileSync(file, `${name} ${sudoers}\n`, { mode: 0o440 });
  return {
    name,
    password,
    remove() {
      rmSync(file, { force: true });
      execFileSync("userdel", ["--remove", "--force", name], { stdio: "ignore" });
    },
  };
}
