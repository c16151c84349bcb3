import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { type Answer, AUTHORITATIVE_ANSWER, decode, encode, type Packet } from "dns-packet";
import type { Zone } from "./aws/route53-zone.ts";

export interface DnsServer {
  /** A loopback address of its own, for resolv.conf: port 53. */
  readonly address: string;
  close(): Promise<void>;
}

/** NXDOMAIN and REFUSED, RFC 1035, section 4.1.1. */
const NO_NAME = 3;
const REFUSED = 5;

/** The zones' name server, over UDP. What is not in them it refuses. Needs root, for port 53. */
export async function startDns(zones: readonly Zone[]): Promise<DnsServer> {
  const socket = createSocket("udp4");
  socket.on("message", (bytes, { port, address }) => {
    const query = decode(bytes);
    socket.send(encode(answerTo(query, zones)), port, address);
  });
  const address = `127.${randomInt(80, 250)}.${randomInt(250)}.${randomInt(1, 250)}`;
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(53, address, resolve);
  });
  return { address, close: () => new Promise((resolve) => socket.close(() => resolve())) };
}

function answerTo({ id, questions = [] }: Packet, zones: readonly Zone[]): Packet {
  const [{ name: asked = "", type = "A" } = {}] = questions;
  const name = `${asked.toLowerCase()}.`;
  const zone = zones.find((each) => name.endsWith(`.${each.name}`) || name === each.name);
  const sets = zone?.answer(name) ?? [];
  const answers = sets
    .filter((set) => set.type === type)
    .flatMap(({ ttl, values }) =>
      values.map((data) => ({ type, name: asked, ttl, data: type === "TXT" ? data.slice(1, -1) : data }) as Answer),
    );
  const code = zone === undefined ? REFUSED : sets.length === 0 ? NO_NAME : 0;
  return {
    type: "response",
    ...(id === undefined ? {} : { id }),
    flags: AUTHORITATIVE_ANSWER | code,
    questions,
    answers,
  };
}
