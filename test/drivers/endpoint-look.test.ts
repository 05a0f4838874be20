import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { lookAtEndpoint } from "../../lib/drivers/endpoint-look.ts";
import { systemClock } from "../../lib/drivers/runtime.ts";
import { routeTo } from "../../lib/drivers/tencent-route.ts";
import { certificateFor, tlsBefore } from "./loopback-tls.ts";

async function listening(server: ReturnType<typeof createServer> | ReturnType<typeof createTcpServer>) {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    if ("closeAllConnections" in server) server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server that answers with another time than this machine's. */
const answering = (aheadMs: number, status = 404) =>
  listening(
    createServer((request, response) => {
      const date = new Date(systemClock.now() + aheadMs).toUTCString();
      response.writeHead(request.headers.authorization === undefined ? status : 500, { date }).end("no");
    }),
  );

const look = (endpointUrl: string, options: { ca?: string; timeoutMs?: number } = {}) =>
  lookAtEndpoint({
    url: new URL(`${new URL(endpointUrl).protocol}//redis.tencentcloudapi.com`),
    route: routeTo({ endpointUrl, ...options }),
    clock: systemClock,
    ...options,
  });

describe("a look at an endpoint", () => {
  it.each([
    [0, 0],
    [600_000, -600_000],
    [-90_000, 90_000],
  ])("tells by the answer's date, whatever the answer, how far a clock of %i ms is off", async (its, own) => {
    const found = await look(await answering(its));
    expect(found).toEqual({ answered: true, aheadMs: expect.any(Number) });
    expect(Math.abs(("aheadMs" in found ? (found.aheadMs ?? 0) : 0) - own)).toBeLessThan(2_000);
  });

  it("says that nothing listens", async () => {
    expect(await look("http://127.0.0.1:1")).toEqual({
      answered: false,
      reason: "the connection was refused (ECONNREFUSED)",
    });
  });

  it("says that a name cannot be resolved", async () => {
    const found = await look("https://nowhere.invalid");
    expect(found).toMatchObject({ reason: expect.stringMatching(/^the name cannot be resolved \(E/) });
  });

  it("waits for a silent server no longer than it may", async () => {
    const url = await listening(createTcpServer());
    expect(await look(url, { timeoutMs: 100 })).toEqual({
      answered: false,
      reason: "no answer within 0.1 s",
    });
  });

  it("says that a certificate is not accepted, and accepts one that is trusted", async () => {
    const pem = await certificateFor("localhost");
    const { url } = await tlsBefore(await answering(0), pem);
    expect(await look(url)).toEqual({
      answered: false,
      reason: "the certificate is not accepted (DEPTH_ZERO_SELF_SIGNED_CERT)",
    });
    expect(await look(url, { ca: pem.cert })).toMatchObject({ answered: true });
  });
});
