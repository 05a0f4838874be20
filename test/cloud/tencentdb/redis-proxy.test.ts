import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CallMoment } from "../watched-call.ts";
import { type RedisProxy, startRedisProxy } from "./redis-proxy.ts";
import { type RedisServer, startRedisServer } from "./redis-server.ts";

let redis: RedisServer;
let proxy: RedisProxy;
let moments: CallMoment[];
let stopAt: CallMoment["when"] | undefined;

beforeEach(async () => {
  moments = [];
  stopAt = undefined;
  redis = await startRedisServer({ password: "before-1" });
  proxy = await startRedisProxy({
    port: redis.port,
    onCall: async (moment) => {
      moments.push(moment);
      return moment.when !== stopAt;
    },
  });
});
afterEach(async () => {
  await proxy.close();
  await redis.stop();
});

/** What comes back until the connection ends. */
function converse(lines: string): Promise<string> {
  return new Promise((resolve) => {
    let received = "";
    const socket = connect(proxy.port, proxy.host);
    socket.on("error", () => {});
    socket.on("close", () => resolve(received));
    socket.on("data", (bytes) => {
      received += bytes.toString();
      if (received.includes("PONG")) socket.destroy();
      else if (received.includes("\n")) socket.write("PING\r\n");
    });
    socket.write(lines);
  });
}

describe("startRedisProxy", () => {
  it("passes a conversation on and tells of its two moments", async () => {
    expect(await converse("AUTH before-1\r\n")).toBe("+OK\r\n+PONG\r\n");
    expect(moments.map(({ action, when }) => [action, when])).toEqual([
      ["AUTH", "before"],
      ["AUTH", "after"],
    ]);
    expect(new Set(moments.map(({ callId }) => callId)).size).toBe(1);
  });

  it.each(["before", "after"] as const)("answers nothing where its watcher stops it %s", async (when) => {
    stopAt = when;
    expect(await converse("AUTH before-1\r\n")).toBe("");
    expect(moments.at(-1)).toMatchObject({ when });
  });

  it("ends a conversation with the Redis behind it", async () => {
    await redis.stop();
    expect(await converse("AUTH before-1\r\n")).toBe("");
  });
});
