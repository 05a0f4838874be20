/** What the service answers instead of a result. The name is the wire's `__type`. */
export class AwsApiError extends Error {
  override readonly name: string;
  readonly status: number;

  constructor(name: string, message: string, status = 400) {
    super(message);
    this.name = name;
    this.status = status;
  }
}
