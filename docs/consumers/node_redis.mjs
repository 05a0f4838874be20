import { createClient } from "redis";
import { isRefusal } from "./rotating_password.mjs";

/** A client that asks for the password each time it connects. `password` is a rotatingPassword. */
export async function connect(password, { host, port, ssl = false }) {
  const client = createClient({
    RESP: 2, // AUTH with one argument
    socket: {
      host,
      port,
      tls: ssl,
      reconnectStrategy: (attempt) => Math.min(50 * 2 ** attempt, 2_000) * (0.5 + Math.random()),
    },
    credentialsProvider: {
      type: "async-credentials-provider",
      credentials: async () => ({ password: await password.get() }),
    },
  });
  client.on("error", (error) => {
    if (isRefusal(error)) password.refused();
  });
  await client.connect();
  return client;
}
