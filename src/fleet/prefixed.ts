import { Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** A stream that hands on whole lines; what is left at its end counts as one. */
export function lineStream(onLine: (line: string) => void): Writable {
  const decoder = new StringDecoder();
  let rest = "";
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      const lines = (rest + decoder.write(chunk)).split("\n");
      rest = lines.pop() ?? "";
      lines.forEach(onLine);
      done();
    },
    final(done) {
      if (rest !== "") onLine(rest);
      done();
    },
  });
}
