import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export interface ProxyOptions {
  /** `user:password` that it asks for. Default: none. */
  readonly login?: string;
  /** What it answers in place of a tunnel. */
  readonly status?: number;
  /** In place of an answer. */
  readonly instead?: (socket: Socket) => void;
  /** The port on loopback at which the tunnel to a target ends. Default: the target's own. */
  readonly portOf?: (target: string) => number;
  /** Its own certificate: then it is an `https:` proxy. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

export interface LoopbackProxy {
  readonly url: string;
  /** What it was asked to connect to, once for each tunnel. */
  readonly targets: readonly string[];
  /** All that went to the targets. */
  readonly carried: () => string;
  close(): Promise<void>;
}

/** An HTTP proxy that knows CONNECT and nothing else. */
export async function startProxy(options: ProxyOptions = {}): Promise<LoopbackProxy> {
  const { login, status, instead, portOf = (target) => Number(target.split(":").at(-1)), tls } = options;
  const targets: string[] = [];
  const carried: Buffer[] = [];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  };
  const refuse: RequestListener = (_, response) => response.writeHead(405).end();
  const server = tls ? createTlsServer(tls, refuse) : createServer(refuse);
  server.on("connection", keep);
  server.on("connect", ({ url: target = "", headers }, socket: Socket) => {
    keep(socket);
    targets.push(target);
    if (instead) return instead(socket);
    const given = Buffer.from(headers["proxy-authorization"]?.replace("Basic ", "") ?? "", "base64");
    const answered = status ?? (login === undefined || given.toString() === login ? 200 : 407);
    if (answered !== 200) return socket.end(`HTTP/1.1 ${answered} No\r\nContent-Length: 2\r\n\r\nno`);
    const onwards = connect(portOf(target), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      socket.on("data", (bytes: Buffer) => carried.push(bytes));
      socket.pipe(onwards).pipe(socket);
      socket.on("close", () => onwards.destroy());
      onwards.on("close", () => socket.destroy());
    });
    keep(onwards);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls ? "https" : "http"}://${login === undefined ? "" : `${login}@`}127.0.0.1:${port}`,
    targets,
    carried: () => Buffer.concat(carried).toString("latin1"),
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** The same for one test, closed when it is over. */
export async function proxyWith(options: ProxyOptions = {}): Promise<LoopbackProxy> {
  const proxy = await startProxy(options);
  onTestFinished(() => proxy.close());
  return proxy;
}
