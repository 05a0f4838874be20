/** An error that API 3.0 answers in words: `{ Response: { Error: { Code, Message } } }` with HTTP 200. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
