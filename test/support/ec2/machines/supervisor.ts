import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { keptProgram } from "../../supervisor.ts";

/** In a machine's folder: shell that its PID 1 runs before the boot hook. */
export const FIRMWARE = "firmware.sh";

const HOOK = "if [ -x /usr/lib/bootlace/boot ]; then";

/** The sandbox's own supervisor, whose init runs a machine's firmware first: at that place its signals are handled already. */
const withFirmware: Plugin = {
  name: "firmware",
  setup(bundle) {
    bundle.onLoad({ filter: /sandbox\/setup-script\.ts$/ }, ({ path }) => {
      const own = readFileSync(path, "utf8");
      if (!own.includes(HOOK)) throw new Error(`${path} runs the boot hook in another way than this expects`);
      const contents = own
        .replace("export const INIT_SCRIPT =", "const PLAIN =")
        .concat(
          'import { readFileSync } from "node:fs";\n',
          `const HOOK = ${JSON.stringify(HOOK)};\n`,
          `const firmware = readFileSync(process.argv[3] + "/${FIRMWARE}", "utf8");\n`,
          `export const INIT_SCRIPT = PLAIN.replace(HOOK, () => firmware + HOOK);\n`,
        );
      return { contents, loader: "ts" };
    });
  },
};

/**
 * Bundles the supervisor from the present sources, as test/support/supervisor.ts does. A machine ends with the process
 * that asks for it here: nobody else knows of a test's machines.
 */
export async function ec2Supervisor(): Promise<readonly string[]> {
  const { outputFiles } = await build({
    stdin: {
      contents: `import { runSupervisor } from "./supervisor-main.ts";
        const owner = Number(process.argv[2]);
        const look = () => { try { process.kill(owner, 0); } catch { process.kill(process.pid, "SIGTERM"); } };
        setInterval(look, 1000).unref();
        runSupervisor(process.argv[3]).then((exit) => process.exit(exit));`,
      resolveDir: fileURLToPath(new URL("../../../../src/machine/sandbox", import.meta.url)),
    },
    plugins: [withFirmware],
    write: false,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    external: ["*.node", "cpu-features"],
    logLevel: "error",
  });
  const file = keptProgram("ec2-supervisor", outputFiles[0]?.contents ?? new Uint8Array());
  return [process.execPath, file, String(process.pid)];
}
