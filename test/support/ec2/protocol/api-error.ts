/** An answer of EC2 or SSM that is an error. "Error codes for the Amazon EC2 API", Amazon EC2 Developer Guide. */
export class ApiError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.name = "ApiError";
    this.code = code;
    this.status = status;
  }
}

/** The work is done, but its answer never comes: the connection ends instead. */
export class LostAnswer extends Error {}
