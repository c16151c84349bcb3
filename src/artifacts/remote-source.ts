/** Where an artifact comes from when it does not stand in the project's folder. Plain data: it is kept in caches. */
export type RemoteSource =
  | { readonly kind: "https"; readonly id: string; readonly url: string }
  | {
      readonly kind: "s3";
      readonly id: string;
      readonly bucket: string;
      readonly key: string;
      /** Of the project; without them the SDK's own environment counts. */
      readonly region?: string;
      readonly endpoint?: string;
      readonly pathStyle?: boolean;
    }
  | {
      readonly kind: "git";
      /** As bootlace.lock names it: the address and, behind `#`, the commit. */
      readonly id: string;
      readonly url: string;
      readonly commit: string;
    };

/** What {@link parseRemote} made of a text: a source, or what is wrong with it and what to do. */
export type ParsedRemote = RemoteSource | Problem;

interface Problem {
  readonly problem: string;
  readonly remedy: string;
  /** The key to look at. */
  readonly at: "from" | "commit";
  /** The line may not be shown. */
  readonly isSecret?: true;
}

const GIT_SCHEMES = ["https", "ssh", "file"];

/** True for what is no path: it has a scheme, or is an address such as `git@host:shop.git`. */
export const isRemote = (from: string): boolean => /^[a-z][a-z0-9+.-]*:/i.test(from) || /^[\w.-]+@[\w.-]+:/.test(from);

/**
 * Reads a text of `from:` that is no path.
 *
 * @param commit Of the same artifact: makes a git repository of the address.
 */
export function parseRemote(from: string, commit: string | undefined): ParsedRemote {
  if (/[\s\p{Cc}]/u.test(from)) return problem("An address holds no spaces or control characters", "write %20 instead");
  if (/^[\w.-]+@[\w.-]+:/.test(from)) return git(from, from, commit);
  const scheme = from.slice(0, from.indexOf(":")).toLowerCase();
  if (scheme === "s3") return commit === undefined ? s3(from) : strayCommit();
  if (scheme.startsWith("git+")) return url(from, from.slice(4), commit, true);
  if (scheme === "ssh") return url(from, from, commit, true);
  if (scheme === "file") {
    if (commit !== undefined) return url(from, from, commit, true);
    return problem("A file is named by its path", "write the path below the project's folder");
  }
  if (scheme === "https") return url(from, from, commit, commit !== undefined || /\.git\/?$/.test(from));
  if (scheme === "http") return problem("http:// could bring anybody's bytes", "use https://");
  return problem(`Artifacts cannot be had by ${scheme}`, "use a path, https://, s3://bucket/key or git with `commit`");
}

function url(from: string, address: string, commit: string | undefined, isGit: boolean): ParsedRemote {
  const parsed = URL.canParse(address) ? new URL(address) : undefined;
  const scheme = parsed?.protocol.slice(0, -1) ?? "";
  if (parsed === undefined || (isGit ? !GIT_SCHEMES.includes(scheme) : scheme !== "https"))
    return problem(`"${from}" is no address that can be asked`, "use https://, ssh:// or git@host:path");
  if (parsed.password !== "" || (scheme !== "ssh" && parsed.username !== ""))
    return {
      ...problem("An address may not hold a login", "git asks its credential helper; or keep it in S3"),
      isSecret: true,
    };
  if (isGit) return git(from, address, commit);
  if (parsed.hash !== "") return problem("What follows # is never sent", "leave it out");
  return { kind: "https", id: from, url: parsed.href };
}

function git(from: string, address: string, commit: string | undefined): ParsedRemote {
  if (commit === undefined) return problem("A git repository needs the commit", "add `commit:` with its 40 digits");
  if (!/^[0-9a-f]{40}$/.test(commit))
    return problem(`"${commit}" is no whole commit`, "write all 40 digits: `git rev-parse HEAD`", "commit");
  return { kind: "git", id: `${from}#${commit}`, url: address, commit };
}

function s3(from: string): ParsedRemote {
  // Amazon S3 User Guide, "General purpose bucket naming rules".
  const [, bucket = "", key = ""] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/(\S+)$/i.exec(from) ?? [];
  if (key === "") return problem(`"${from}" does not name an object`, "write s3://bucket/key");
  return { kind: "s3", id: from, bucket, key };
}

const strayCommit = (): ParsedRemote => problem("A commit belongs to a git repository", "leave `commit` out", "commit");
const problem = (text: string, remedy: string, at: Problem["at"] = "from"): Problem => ({ problem: text, remedy, at });

/** A source as messages show it: a query may hold a signature. */
export const shownSource = ({ id }: RemoteSource): string => id.replace(/\?[^#]*/, "?…");
