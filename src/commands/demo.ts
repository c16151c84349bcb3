import { createReporter, duration, EXIT } from "../../stage2/index.ts";
import type { CommandRun } from "../cli/command.ts";
import { makeDemoProject } from "../recipe/demo/demo-project.ts";
import { runDemo } from "../recipe/demo/run-demo.ts";

const NEXT = `
What to try next
  bootlace new mine && cd mine         a project of your own
  bootlace test SERVICE --watch        a throwaway machine that follows what you save
  bootlace build IMAGE                 from base to a proven image
  bootlace up IMAGE                    a machine from it
  bootlace plan --here                 what this very machine would do
`;

/** `bootlace demo`: works from any folder, on a copy, and leaves nothing. */
const demo: CommandRun = async ({ json, stdout, signal }) => {
  const project = await makeDemoProject();
  let reporter = createReporter({ stream: stdout, json });
  const title = (text: string) => {
    if (json) return;
    reporter.close();
    reporter = createReporter({ stream: stdout, json });
    stdout.write(`\n── ${text}\n`);
  };
  const note = (text: string) => json || stdout.write(`${text}\n`);
  const began = performance.now();
  try {
    if (!json) stdout.write(`A copy of examples/shop in ${project.dir}; it goes when the demo ends\n`);
    const parts = await runDemo({ project, report: (event) => reporter(event), title, note, signal });
    const ms = Math.round(performance.now() - began);
    reporter.close();
    if (json) stdout.write(`${JSON.stringify({ k: "demo", t: Date.now(), ms, parts })}\n`);
    else {
      stdout.write("\nTimeline\n");
      for (const part of parts) stdout.write(`  ${duration(part.ms).padStart(7)}  ${part.what}\n`);
      stdout.write(`  ${duration(ms).padStart(7)}  in all\n${NEXT}`);
    }
    return EXIT.ok;
  } finally {
    reporter.close();
    await project.remove();
  }
};

export default demo;
