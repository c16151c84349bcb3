import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");

/** Every TypeScript file below a folder, as a path from the repository's root. */
function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(folder, file));
}

/** What a file imports: paths from the root for our own files, names for the rest. */
function imports(file: string): string[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  const found = [...text.matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|^import\s+)["']([^"']+)["']/gm)].map(
    (match) => match[1]!,
  );
  return found.map((name) => (name.startsWith(".") ? relative(ROOT, resolve(ROOT, file, "..", name)) : name));
}

describe("the borders of ARCHITECTURE.md", () => {
  test("stage2 imports itself and node:* only", () => {
    const strangers = sources("stage2").flatMap((file) =>
      imports(file)
        .filter((name) => !name.startsWith("stage2/") && !name.startsWith("node:"))
        .map((name) => `${file} imports ${name}`),
    );
    expect(strangers).toEqual([]);
  });

  test("stage2 ships as one file of well under 200 KB", () => {
    expect(statSync(join(ROOT, "dist/stage2.mjs")).size).toBeLessThan(150_000);
  });

  test("src reaches stage2 through stage2/index.ts alone", () => {
    const sideDoors = sources("src").flatMap((file) =>
      imports(file)
        .filter((name) => name.startsWith("stage2/") && name !== "stage2/index.ts")
        .map((name) => `${file} imports ${name}`),
    );
    expect(sideDoors).toEqual([]);
  });

  test("in stage2 only the rim and the commands on it touch files, processes, clock and console", () => {
    const outer = /^stage2\/(rim|cli)\/|^stage2\/main\.ts$|^stage2\/index\.ts$/;
    const effects = sources("stage2")
      .filter((file) => !outer.test(file))
      .flatMap((file) => {
        const text = readFileSync(join(ROOT, file), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
        const modules = imports(file).filter(
          (name) => (name.startsWith("node:") && name !== "node:crypto") || name.startsWith("stage2/rim/"),
        );
        const globals = [
          ...text.matchAll(/\b(process\.|console\.|Date\.now|performance\.now|setTimeout|setInterval|Math\.random)/g),
        ].map((match) => match[1]!);
        return [...modules, ...globals].map((what) => `${file} uses ${what}`);
      });
    expect(effects).toEqual([]);
  });

  test("AWS is imported only where a file speaks to AWS", () => {
    const users = sources("src").filter((file) => imports(file).some((name) => name.startsWith("@aws-sdk/")));
    // A rollout is AWS's own: its plans are put together from EC2, Auto Scaling and SSM.
    const speak =
      /^src\/(?:(?:store|machine|trust|artifacts|deploy|image|setup)\/.*(?:s3|ec2|aws|kms|sns|dynamodb)|rollout\/)/;
    expect(users.filter((file) => !speak.test(file))).toEqual([]);
  });

  test("nothing below src/recipe, src/image, src/commands names a provider's own folder", () => {
    const leaks = [
      ...sources("src/recipe"),
      ...sources("src/image"),
      ...sources("src/commands"),
      ...sources("src/session"),
      ...sources("src/fleet"),
      ...sources("src/seal"),
      ...sources("src/disk"),
    ].flatMap((file) =>
      imports(file)
        .filter((name) => /^src\/machine\/(?:sandbox|qemu|ec2)\//.test(name))
        .map((name) => `${file} imports ${name}`),
    );
    expect(leaks).toEqual([]);
  });

  test("one place quotes for a shell", () => {
    const quoting = [...sources("src"), ...sources("stage2")].filter(
      (file) =>
        readFileSync(join(ROOT, file), "utf8").includes(`"'\\\\''"`) ||
        /'\\\\''`?\)/.test(readFileSync(join(ROOT, file), "utf8")),
    );
    expect(quoting.filter((file) => file !== "stage2/execute/quote.ts")).toEqual([]);
  });
});
