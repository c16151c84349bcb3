/** A service: lower-case letters, digits and `-`; the stock ones stand below `bootlace/`. */
export const SERVICE_NAME = /^(?:bootlace\/)?[a-z][a-z0-9-]{0,63}$/;
/** A project, an image, a machine, a group, a lock, an action, an artifact. */
export const PLAIN_NAME = /^[a-z][a-z0-9-]{0,62}$/;
/** A channel, as stage1 takes it from boot.conf and tags: a file's name, an object's key, a word in messages. */
export const CHANNEL_NAME = /^(?!.*\.\.)[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?$/;
/** The same in words. */
export const CHANNEL_RULE =
  "lower-case letters, digits, dots and hyphens, at most 64, a letter or a digit first and last, no two dots together";
/** What AWS calls its regions: `eu-west-1`, `us-gov-west-1`, `eusc-de-east-1`. */
export const AWS_REGION = /^[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}$/;
/** A parameter or secret as written: `dbHost`, `db-host`, `db_host`. */
export const PARAM_NAME = /^[a-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+)*$/;
/** An environment variable (POSIX.1-2017, 8.1, lower case allowed). */
export const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** A login name as useradd(8) takes it. */
export const LOGIN_NAME = /^[a-z_][a-z0-9_-]{0,31}$/;
/** A package; a leading `-` would be an option of the package manager. */
export const PACKAGE_NAME = /^[A-Za-z0-9][A-Za-z0-9+._:=~@/-]*$/;
/** A reference to a parameter, resolved when the project is compiled. */
export const PARAM_REFERENCE = /\{params\.([A-Za-z][A-Za-z0-9_-]*)\}/g;
/** What machines are made of, as services and machines name it. */
export const ARCHITECTURES = ["x86_64", "arm64"] as const;
