import type { ParamValue } from "../types/service.ts";

/** Variables that decide how programs run; a parameter or output may not take their place. */
const RESERVED = new Set([
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "SHELL",
  "PWD",
  "OLDPWD",
  "IFS",
  "ENV",
  "BASH_ENV",
  "CDPATH",
  "SHELLOPTS",
  "UID",
  "EUID",
  "PPID",
  "OPTIND",
  "OPTARG",
  "LINENO",
  "BASHOPTS",
  "PS4",
  "TMPDIR",
  "LANG",
]);
const RESERVED_PREFIXES = ["LD_", "NODE_", "BOOTLACE_", "BASH_FUNC_", "LC_", "APT_"];

/** `dbHost` and `db-host` → `DB_HOST`. */
export function variableName(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/[^A-Za-z0-9]+/g, "_")
    .toUpperCase();
}

/** True for names that would change how scripts are run: CONTRACTS, truth table. */
export function isReservedVariable(variable: string): boolean {
  return RESERVED.has(variable) || RESERVED_PREFIXES.some((prefix) => variable.startsWith(prefix));
}

/** `app-user` → `APP_USER_`, `bootlace/apache` → `APACHE_`: what dependents read a service's outputs by. */
export function outputPrefix(service: string): string {
  return `${variableName(service.slice(service.lastIndexOf("/") + 1))}_`;
}

/** A parameter as scripts see it; lists are joined by spaces. */
export function variableValue(value: ParamValue): string {
  return typeof value === "object" ? value.join(" ") : String(value);
}
