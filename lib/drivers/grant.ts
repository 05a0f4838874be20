import { RotationError } from "../errors.ts";

/** The error of a call that was denied, with what has to be granted for it. */
export function withGrant({ code, message, effect, requestId }: RotationError, grant: string): RotationError {
  return new RotationError(code, `${message.replace(/\.+$/, "")}; grant ${grant}`, { effect, requestId });
}
