import { type FileHandle, open } from "node:fs/promises";
import { createConnection, type Socket } from "node:net";
import { dirname, join } from "node:path";

/** Name of the socket in the machine's folder; QEMU gets it as a relative path. */
export const QMP_SOCKET = "qmp.sock";
/** A socket's path has 107 bytes on Linux, 103 on macOS (unix(7), unix(4)); a project may lie deeper. */
const PATH_BYTES = 100;

/**
 * Sends one command to a running QEMU (QEMU Machine Protocol: greeting, `qmp_capabilities`, command).
 *
 * @throws {Error} when nobody listens or QEMU refuses.
 */
export async function qmp(folder: string, command: string): Promise<void> {
  const socket = join(folder, QMP_SOCKET);
  if (Buffer.byteLength(socket) <= PATH_BYTES) return talk(socket, command);
  // Linux: a short name for a folder that is open.
  const handle: FileHandle = await open(dirname(socket), "r");
  try {
    await talk(`/proc/self/fd/${handle.fd}/${QMP_SOCKET}`, command);
  } finally {
    await handle.close();
  }
}

function talk(path: string, command: string): Promise<void> {
  const socket: Socket = createConnection(path);
  const todo = ["qmp_capabilities", command];
  return new Promise((resolve, reject) => {
    let text = "";
    let greeted = false;
    const end = (error?: Error) => {
      socket.destroy();
      if (error) reject(error);
      else resolve();
    };
    const next = () => {
      const execute = todo.shift();
      if (execute === undefined) end();
      else socket.write(`${JSON.stringify({ execute })}\n`);
    };
    socket.once("error", end);
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
