import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { BootlaceError } from "../../stage2/index.ts";
import { FolderStore } from "./folder-store.ts";
import { HttpStore } from "./http-store.ts";
import { type S3Access, s3Settings } from "./s3-settings.ts";
import { S3Store } from "./s3-store.ts";
import type { Store } from "./store.ts";

/**
 * Opens the store that `store:` or `--store` names; nothing is touched yet.
 *
 * @param dir Absolute; a plain path is meant from there.
 * @param access For s3:// only: `region` and `s3` of bootlace.yaml.
 * @throws {BootlaceError} `E_STORE_URL` for an address that this version cannot use.
 */
export function openStore(address: string, dir: string, access: S3Access = {}): Store {
  if (address.startsWith("s3://")) return new S3Store(s3Settings(address, access));
  if (/^https?:\/\//.test(address)) return new HttpStore(httpAddress(address));
  if (address.startsWith("file:///")) return new FolderStore(fileURLToPath(address).replace(/(.)\/+$/, "$1"));
  if (!/^[a-z][a-z0-9+.-]*:/i.test(address)) return new FolderStore(resolve(dir, address));
  throw new BootlaceError(
    "E_STORE_URL",
    `The store ${address} cannot be used: expected s3://, a path, file:///, http:// or https://`,
  );
}

/** fetch() takes no user and password in an address, and would name both in its error. */
function httpAddress(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  // What stands before the last @ of the authority, whatever it holds.
  const shown = address.replace(/^(https?:\/\/)[^/?#]*@/, "$1");
  if (url && url.username === "" && url.password === "" && shown === address) return address.replace(/\/+$/, "");
  const why = shown === address ? "is no address" : "has a user name or a password in it, which the desk cannot use";
  throw new BootlaceError("E_STORE_URL", `The store ${shown} ${why}`, {
    hint: "Publish to the folder or bucket behind the web server: --store.",
  });
}
