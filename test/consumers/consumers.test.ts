import { beforeAll, describe, expect, it } from "vitest";
import type { StoreKind } from "../../lib/config.ts";
import { ensurePython } from "./python.ts";
import { startWorld } from "./world.ts";

/** Much longer than a rotation's own, so that a client has to come back more than once. */
const EXPOSURE_MS = 1_500;

interface Consumer {
  readonly name: string;
  /** Undefined where the client cannot be had here. */
  readonly command: (() => readonly string[]) | undefined;
  readonly store: StoreKind;
}

let python = "";
beforeAll(async () => {
  python = await ensurePython();
}, 180_000);

const inNode = (program: string) => () => [process.execPath, `test/consumers/programs/${program}`];

/** The command that runs a program which somebody has compiled, who has the client. */
const given = (variable: string) => {
  const command = process.env[variable]?.split(" ");
  return command && (() => command);
};

const CONSUMERS: readonly Consumer[] = [
  { name: "ioredis", command: inNode("ioredis.mjs"), store: "aws" },
  { name: "node-redis", command: inNode("node_redis.mjs"), store: "aws" },
  { name: "node-redis with SSM", command: inNode("node_redis.mjs"), store: "ssm" },
  { name: "redis-py", command: () => [python, "test/consumers/programs/redis_py.py"], store: "aws" },
  {
    name: "go-redis, by CONSUMER_GO_REDIS",
    command: given("CONSUMER_GO_REDIS"),
    store: "aws",
  },
  { name: "Jedis, by CONSUMER_JEDIS", command: given("CONSUMER_JEDIS"), store: "aws" },
];

describe.concurrent.each(CONSUMERS)("the example for $name", ({ name, command, store }) => {
  const here = it.skipIf(command === undefined);

  here(
    "goes on through a rotation that refuses it for a while, and has the new password then",
    async ({ onTestFinished }) => {
      const world = await startWorld({
        command: command?.() ?? [],
        secret: "oneAccount",
        store,
        exposureMs: EXPOSURE_MS,
        onTestFinished,
      });
      const { client } = world;
      expect(await world.rotate()).toMatchObject({ status: "rotated" });
      expect(world.exposureMs()).toBeGreaterThanOrEqual(EXPOSURE_MS);
      await client.more("done", 20);
      const refused = client.count("refused");
      expect(refused).toBeGreaterThan(1);
      // Once at the start, and with longer and longer pauses after that, however many connections are refused.
      expect(client.count("read")).toBeGreaterThan(1);
      expect(client.count("read")).toBeLessThanOrEqual(8);

      await world.loseConnections();
      await client.more("done", 20);
      expect(client.count("refused")).toBe(refused);
      expect(client.failures).toEqual([]);
      expect(await client.end()).toBe(0);
      const [done, lost, read] = (["done", "lost", "read"] as const).map((word) => client.count(word));
      console.log(`${name}: ${done} done, ${refused} refused, ${lost} lost, ${read} reads of the secret`);
    },
  );

  here(
    "is never refused while two users alternate, and follows when its own user's turn comes",
    async ({ onTestFinished }) => {
      const world = await startWorld({
        command: command?.() ?? [],
        secret: "twoUsers",
        store,
        exposureMs: EXPOSURE_MS,
        onTestFinished,
      });
      const { client } = world;
      expect(await world.rotate()).toMatchObject({ status: "rotated" });
      await world.loseConnections();
      await client.more("done", 20);
      expect(client.count("refused")).toBe(0);
      expect(client.count("read")).toBe(1);

      // The account that the client still has is changed now, while the current version names the other one.
      expect(await world.rotate()).toMatchObject({ status: "rotated" });
      await world.loseConnections();
      await client.more("done", 20);
      expect(client.count("refused")).toBeGreaterThan(0);
      expect(client.failures).toEqual([]);
      expect(await client.end()).toBe(0);
    },
  );
});
