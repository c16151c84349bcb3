import { DESK_CODES } from "./desk-codes.ts";
import { FILE_CODES } from "./file-codes.ts";
import { IMAGE_CODES } from "./image-codes.ts";
import { MACHINE_CODES } from "./machine-codes.ts";
import { STOCK_CODES } from "./stock-codes.ts";
import { STORE_CODES } from "./store-codes.ts";

/**
 * Every error code of Bootlace, the exit code that goes with it and what to do about it.
 * The one source of docs/errors.md (a test holds both ways). Codes are a contract: never rename or reuse one.
 */
export const CODES = {
  ...FILE_CODES,
  ...STORE_CODES,
  ...MACHINE_CODES,
  ...DESK_CODES,
  ...IMAGE_CODES,
  ...STOCK_CODES,
} as const;

export type ErrorCode = keyof typeof CODES;
