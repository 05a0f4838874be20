import type { Probe } from "../../lib/ports.ts";

export interface FakeRedisOptions {
  readonly instanceId: string;
  readonly wanIp: string;
  readonly port: number;
  /** The default account's password at the start. */
  readonly password: string;
  /** Custom accounts at the start. */
  readonly accounts?: readonly { readonly name: string; readonly password?: string }[];
}

export interface FakeRedis {
  readonly probe: Probe;
  /** What the control plane does when a task changes an account's password, or makes the account. */
  setPassword(instanceId: string, account: string, password: string): Promise<void>;
  /** Whether the password opens the instance: the truth, whatever the probe is told to answer. */
  opens(instanceId: string, password: string, account?: string): boolean;
  /** The next probes answer `unknown`. Infinity: all of them, until it is called with 0. */
  unknownNext(times: number, reason?: string): void;
  /** Probes so far. */
  readonly probes: number;
}

/** A Redis for each address, as far as a password goes: in memory, and at once. */
export function createFakeRedis(servers: readonly FakeRedisOptions[]): FakeRedis {
  const passwords = new Map(
    servers.flatMap(({ instanceId, password, accounts = [] }) =>
      [{ name: "default", password }, ...accounts].map((each) => [
        `${instanceId}/${each.name}`,
        each.password,
      ]),
    ),
  );
  const instanceAt = new Map(servers.map(({ wanIp, port, instanceId }) => [`${wanIp}:${port}`, instanceId]));
  let unknown = { left: 0, reason: "" };
  let probes = 0;
  const opens = (instanceId: string, password: string, account = "default") =>
    passwords.get(`${instanceId}/${account}`) === password;

  return {
    async probe({ host, port, username, password }) {
      probes += 1;
      if (unknown.left > 0) {
        unknown.left -= 1;
        return { answer: "unknown", reason: unknown.reason };
      }
      const instanceId = instanceAt.get(`${host}:${port}`);
      if (instanceId === undefined) return { answer: "unknown", reason: "The connection was refused." };
      return { answer: opens(instanceId, password, username) ? "accepted" : "rejected" };
    },
    async setPassword(instanceId, account, password) {
      passwords.set(`${instanceId}/${account}`, password);
    },
    opens,
    unknownNext(times, reason = "The connection timed out.") {
      unknown = { left: times, reason };
    },
    get probes() {
      return probes;
    },
  };
}
