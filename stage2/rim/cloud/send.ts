export interface Sent {
  readonly url: string;
  readonly method: "GET" | "PUT" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Milliseconds for all of it. */
  readonly within: number;
}

export interface Came {
  readonly status: number;
  readonly body: string;
  /** The server's clock, milliseconds since 1970; NaN where it says none. */
  readonly date: number;
}

/** Longer answers are nobody's that is asked here; characters. */
const LONGEST = 256 * 1024;

/** One request by HTTP(S), by no proxy. Node's client is loaded when the first one is made: most boots make none. */
export async function send({ url, method, headers, body, within }: Sent): Promise<Came> {
  const { request } = url.startsWith("https:") ? await import("node:https") : await import("node:http");
  return new Promise((resolve, reject) => {
    const given = { method, headers: { ...headers }, agent: false, signal: AbortSignal.timeout(within) };
    const asked = request(url, given, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (piece: string) => {
        text += piece;
        if (text.length > LONGEST) response.destroy(new Error(`the answer has more than ${LONGEST} characters`));
      });
      response.on("error", reject);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, body: text, date: Date.parse(response.headers.date ?? "") }),
      );
    });
    asked.on("error", (error) =>
      reject(
        error.name === "AbortError" || error.name === "TimeoutError"
          ? new Error(`no answer within ${within} ms`)
          : error,
      ),
    );
    asked.end(body);
  });
}
