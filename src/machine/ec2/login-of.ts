import { BootlaceError } from "../../../stage2/index.ts";
import type { AmiNotes } from "./ec2-spec.ts";

/** Accounts that publish AMIs, and whom their images let in (the distributors' own pages on EC2). */
const LOGINS: readonly { readonly owner: RegExp; readonly name: RegExp; readonly login: string }[] = [
  { owner: /^(amazon|137112412989)$/, name: /^(al20|amzn)/, login: "ec2-user" },
  { owner: /^(136693071363|379101102735)$/, name: /^debian/, login: "admin" },
  { owner: /^(099720109477|amazon)$/, name: /^ubuntu/, login: "ubuntu" },
  { owner: /^(309956199498|amazon)$/, name: /^RHEL/, login: "ec2-user" },
  { owner: /^764336703387$/, name: /^AlmaLinux/, login: "ec2-user" },
  { owner: /^792107900819$/, name: /^Rocky/, login: "rocky" },
];

/**
 * Who logs in to an instance of an AMI.
 *
 * @throws {BootlaceError} `E_EC2_BASE` where nobody knows: a wrong guess would cost the minutes until the login is given up.
 */
export function loginOf({ id, name, owner, alias }: AmiNotes, asked: string | undefined): string {
  const isOwner = (row: RegExp) => row.test(owner) || row.test(alias);
  const known = asked ?? LOGINS.find((row) => isOwner(row.owner) && row.name.test(name))?.login;
  if (known !== undefined) return known;
  throw new BootlaceError(
    "E_EC2_BASE",
    `Nobody says who logs in to ${id} (${name}, of ${owner || "an unknown owner"})`,
    {
      hint: "Write `login: NAME` beside `from:`: the user whom the image gives the key pair, such as ec2-user or root.",
    },
  );
}
