import { type FileHandle, open } from "node:fs/promises";
import { createConnection, type Socket } from "node:net";
import { dirname, join } from "node:path";

/** Name of the socket in the machine's folder; QEMU gets it as a relative path. */
export const QMP_SOCKET = "qmp.sock";
/** A socket's path has 107 bytes on Linux, 103 on macOS (unix(7), unix(4)); a project may lie deeper. */
const PATH_BYTES = 100;
/** QEMU answers from its main loop: one that takes longer is stopped or stuck. Milliseconds. */
const ANSWER_WITHIN = 3_000;

/**
 * Sends one command to a running QEMU (QEMU Machine Protocol: greeting, `qmp_capabilities`, command).
 *
 * @param given the command's arguments.
 * @throws {Error} when nobody listens or QEMU refuses.
 */
export async function qmp(folder: string, command: string, given?: Readonly<Record<string, unknown>>): Promise<void> {
  const socket = join(folder, QMP_SOCKET);
  if (Buffer.byteLength(socket) <= PATH_BYTES) return talk(socket, command, given);
  // Linux: a short name for a folder that is open.
  const handle: FileHandle = await open(dirname(socket), "r");
  try {
    await talk(`/proc/self/fd/${handle.fd}/${QMP_SOCKET}`, command, given);
  } finally {
    await handle.close();
  }
}

function talk(path: string, command: string, given: Readonly<Record<string, unknown>> | undefined): Promise<void> {
  const socket: Socket = createConnection(path);
  const todo = [{ execute: "qmp_capabilities" }, { execute: command, ...(given ? { arguments: given } : {}) }];
  return new Promise((resolve, reject) => {
    let text = "";
    let greeted = false;
    const end = (error?: Error) => {
      socket.destroy();
      if (error) reject(error);
      else resolve();
    };
    const next = () => {
      const request = todo.shift();
      if (request === undefined) end();
      else socket.write(`${JSON.stringify(request)}\n`);
    };
    socket.once("error", end);
    socket.setTimeout(ANSWER_WITHIN, () => end(new Error(`${command}: QEMU does not answer`)));
    // `quit` may close before its answer.
    socket.once("close", () => end(todo.length > 0 ? new Error(`${command}: QEMU closed the connection`) : undefined));
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines.filter((each) => each.trim() !== "")) {
        const said = JSON.parse(line) as { QMP?: object; return?: object; error?: { desc?: string } };
        if (said.error) return end(new Error(`${command}: ${said.error.desc}`));
        if (said.QMP && !greeted) greeted = true;
        else if (!said.return) continue;
        next();
      }
    });
  });
}
