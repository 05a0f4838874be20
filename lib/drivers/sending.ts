import type { ClientRequest } from "node:http";
import { ProxyFailure } from "./proxy-agent.ts";
import type { Attempt } from "./tencent-errors.ts";

/**
 * Watches how far a request gets. On a connection that is used again it is sent at once; on a new one as soon as that stands:
 * with TLS after the handshake, which a tunnel through a proxy has as well. The tunnel itself carries nothing of it.
 */
export function watchSending(
  request: ClientRequest,
  secure: boolean,
  attempt: { -readonly [Field in "sent" | "systemCode"]: Attempt[Field] },
): void {
  request.once("socket", (socket) => {
    attempt.sent = request.reusedSocket || (!secure && !socket.connecting);
    if (attempt.sent) return;
    socket.once(secure ? "secureConnect" : "connect", () => {
      attempt.sent = true;
    });
  });
  request.once("error", (error) => {
    attempt.systemCode ??= systemCodeOf(error);
  });
}

/** The system's own code; in place of the proxy's, what the proxy did. */
export function systemCodeOf(error: unknown): string | undefined {
  if (error instanceof ProxyFailure) return error.message;
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === "string" ? code : undefined;
}
