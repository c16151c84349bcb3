type Version = readonly [number, number, number];

/** Holds a version against a range such as `>=0.1 <2`, `^1.2`, `~1.2.3`, `1.2` (semver.org, npm's notation). */
export function fitsRange(version: string, range: string): boolean {
  const actual = parse(version);
  return range
    .trim()
    .split(/\s+/)
    .every((part) => {
      const [, operator = "", text = ""] = /^([<>]=?|=|\^|~)?(.*)$/.exec(part) ?? [];
      const wanted = parse(text);
      const order = compare(actual, wanted);
      if (operator === ">=") return order >= 0;
      if (operator === ">") return order > 0;
      if (operator === "<=") return order <= 0;
      if (operator === "<") return order < 0;
      return order >= 0 && compare(actual, above(operator, wanted, text.split(".").length)) < 0;
    });
}

/** The first version that `^`, `~` or a version with parts left out does not take in. */
function above(operator: string, [major, minor, patch]: Version, parts: number): Version {
  if (operator === "^")
    return major > 0 || parts === 1
      ? [major + 1, 0, 0]
      : minor > 0 || parts === 2
        ? [0, minor + 1, 0]
        : [0, 0, patch + 1];
  if (parts === 1) return [major + 1, 0, 0];
  return operator === "~" || parts === 2 ? [major, minor + 1, 0] : [major, minor, patch + 1];
}

function parse(text: string): Version {
  const [major = 0, minor = 0, patch = 0] = text.split(/[.+-]/, 3).map(Number);
  return [major, minor, patch];
}

const compare = (a: Version, b: Version): number => a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
