import { randomUUID } from "node:crypto";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type CallWatcher, DroppedCall, underWatch } from "../watched-call.ts";

export interface RedisProxyOptions {
  /** The Redis on 127.0.0.1 that stands behind it. */
  readonly port: number;
  /** Told of each connection as a call of `AUTH`: before Redis sees its first bytes, and before the client sees Redis's. */
  readonly onCall: CallWatcher;
}

export interface RedisProxy {
  readonly host: "127.0.0.1";
  readonly port: number;
  close(): Promise<void>;
}

/** Passes connections on to a Redis under the eyes of a watcher. What a client sends first is AUTH. */
export async function startRedisProxy({ port: behind, onCall }: RedisProxyOptions): Promise<RedisProxy> {
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const redis = connect(behind, "127.0.0.1");
    const both = [client, redis];
    for (const socket of both) {
      open.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        for (const end of both) end.destroy();
        open.delete(socket);
      });
    }
    converse(client, redis, onCall).catch((error: unknown) => {
      if (!(error instanceof DroppedCall)) throw error;
      client.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    host: "127.0.0.1",
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

async function converse(client: Socket, redis: Socket, onCall: CallWatcher): Promise<void> {
  const request = await firstBytes(client);
  if (request === undefined) return;
  const answer = await underWatch(onCall, { callId: randomUUID(), action: "AUTH" }, () => {
    redis.write(request);
    return firstBytes(redis);
  });
  if (answer === undefined) return;
  client.write(answer);
  client.pipe(redis);
  redis.pipe(client);
}

/** Undefined where the connection ends without a word. */
function firstBytes(socket: Socket): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve(undefined);
    socket.once("close", () => resolve(undefined));
    socket.once("data", (bytes) => {
      socket.pause();
      resolve(bytes);
    });
  });
}
