import { type AddressInfo, connect, type Socket } from "node:net";
import { createServer } from "node:tls";
import { generate } from "selfsigned";
import { onTestFinished } from "vitest";

export interface Pem {
  readonly key: string;
  readonly cert: string;
}

/** For 127.0.0.1 and for a name, signed by itself. */
export async function certificateFor(name: string): Promise<Pem> {
  const altNames = [
    { type: 2 as const, value: name },
    { type: 7 as const, ip: "127.0.0.1" },
  ];
  const { private: key, cert } = await generate([{ name: "commonName", value: name }], {
    keySize: 2048,
    extensions: [{ name: "subjectAltName", altNames }],
  });
  return { key, cert };
}

/** For one test: where TLS ends, before a service on loopback that has none itself. */
export async function tlsBefore(serviceUrl: string | undefined, pem: Pem) {
  const servicePort = Number(new URL(serviceUrl ?? "").port);
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer(pem, (socket) => {
    connections += 1;
    const service = connect(servicePort, "127.0.0.1");
    for (const each of [socket, service]) sockets.add(each);
    socket.on("error", () => service.destroy()).pipe(service);
    service.on("error", () => socket.destroy()).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { port, url: `https://127.0.0.1:${port}`, connections: () => connections };
}
