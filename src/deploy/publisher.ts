import { hostname, userInfo } from "node:os";

/**
 * Who publishes, for people: `ann@desk`. In a container the uid may be nobody's: then `$USER`, else `uid-1000`.
 *
 * @param lookUp The name of this process's user; throws where passwd has none.
 */
export function publisher(
  lookUp: () => string = () => userInfo().username,
  env: NodeJS.ProcessEnv = process.env,
): string {
  let name: string;
  try {
    name = lookUp();
  } catch {
    name = env.USER || `uid-${process.getuid?.() ?? "unknown"}`;
  }
  return `${name}@${hostname()}`;
}
