import { describe, expect, test } from "vitest";
import { checkSignature } from "./sigv4.ts";

/**
 * The examples of "Signature Calculations for the Authorization Header: Transferring Payload in a Single Chunk" and of
 * "Authenticating Requests: Using Query Parameters", Amazon S3 API Reference.
 */
const key = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};
const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const check = { keys: [key], region: "us-east-1", service: "s3", now: Date.parse("2013-05-24T00:00:00Z") };
const shared = { host: "examplebucket.s3.amazonaws.com", "x-amz-date": "20130524T000000Z" };
const authorization = (names: string, signature: string): string =>
  `AWS4-HMAC-SHA256 Credential=${key.accessKeyId}/20130524/us-east-1/s3/aws4_request,SignedHeaders=${names},Signature=${signature}`;

const examples = [
  {
    name: "GET Object",
    method: "GET",
    target: "/test.txt",
    headers: { ...shared, range: "bytes=0-9", "x-amz-content-sha256": EMPTY },
    names: "host;range;x-amz-content-sha256;x-amz-date",
    signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  },
  {
    name: "PUT Object",
    method: "PUT",
    target: "/test$file.text",
    headers: {
      ...shared,
      date: "Fri, 24 May 2013 00:00:00 GMT",
      "x-amz-storage-class": "REDUCED_REDUNDANCY",
      "x-amz-content-sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
    },
    names: "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
    signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
  },
  {
    name: "GET Bucket Lifecycle",
    method: "GET",
    target: "/?lifecycle",
    headers: { ...shared, "x-amz-content-sha256": EMPTY },
    names: "host;x-amz-content-sha256;x-amz-date",
    signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
  },
  {
    name: "Get Bucket (List Objects)",
    method: "GET",
    target: "/?max-keys=2&prefix=J",
    headers: { ...shared, "x-amz-content-sha256": EMPTY },
    names: "host;x-amz-content-sha256;x-amz-date",
    signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
  },
] as const;
const presigned = (signature: string) => ({
  method: "GET",
  target: `/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${key.accessKeyId}%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=${signature}`,
  headers: { host: shared.host },
});
const PRESIGNED = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";

describe("checkSignature()", () => {
  test.each(examples)("agrees with AWS's example $name", ({ names, signature, headers, ...request }) => {
    const by = (given: string) =>
      checkSignature({ ...request, headers: { ...headers, authorization: authorization(names, given) } }, check);
    expect(by(signature)).toEqual({ by: "key", accessKeyId: key.accessKeyId });
    expect(by(signature.replace(/^./, "0"))).toMatchObject({ code: "SignatureDoesNotMatch" });
  });

  test("agrees with AWS's example of a presigned URL, until it runs out", () => {
    expect(checkSignature(presigned(PRESIGNED), check)).toMatchObject({ by: "key" });
    expect(checkSignature(presigned(PRESIGNED), { ...check, now: check.now + 86_401_000 })).toMatchObject({
      code: "AccessDenied",
      message: "Request has expired",
    });
    expect(checkSignature(presigned(EMPTY), check)).toMatchObject({ code: "SignatureDoesNotMatch" });
  });

  const [get] = examples;
  const request = {
    ...get,
    headers: { ...get.headers, authorization: authorization(get.names, get.signature) },
  };
  test.each([
    ["RequestTimeTooSkewed", { now: check.now + 16 * 60_000 }, {}],
    ["RequestTimeTooSkewed", { now: check.now - 16 * 60_000 }, {}],
    ["InvalidAccessKeyId", { keys: [] }, {}],
    ["AuthorizationHeaderMalformed", { region: "eu-west-1" }, {}],
    ["InvalidToken", {}, { "x-amz-security-token": "x" }],
    ["ExpiredToken", { keys: [{ ...key, expired: true }] }, {}],
    ["AccessDenied", {}, { "x-amz-tagging": "not=signed" }],
    ["AuthorizationHeaderMalformed", {}, { authorization: "AWS4-HMAC-SHA256 nonsense" }],
  ])("refuses with %s", (code, settings, headers) => {
    expect(
      checkSignature({ ...request, headers: { ...request.headers, ...headers } }, { ...check, ...settings }),
    ).toMatchObject({ code });
  });

  test("says that nobody signed a request without a signature", () => {
    expect(checkSignature({ method: "GET", target: "/x", headers: shared }, check)).toEqual({ by: "nobody" });
  });
});
