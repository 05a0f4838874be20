import type { Context } from "../../lib/rotation/context.ts";
import { isPasswordAction } from "../cloud/tencentdb/password-rules.ts";
import { createFakeControlPlane } from "../fakes/control-plane.ts";
import { createRig, type Rig, type RigOptions } from "../rotation/rig.ts";
import { awsVault, type Label, type ssmVault } from "./vaults.ts";

/** One call that leaves the process: a request to a cloud, or an AUTH. */
export interface Call {
  /** Counted from 0 in each life. */
  readonly index: number;
  readonly port: "store" | "controlPlane" | "probe";
  /** The API's action, or `AUTH`. */
  readonly action: string;
}

/** Makes the call, or lets something else happen in its place. */
export type Passing = (call: Call, effect: () => Promise<unknown>) => Promise<unknown>;

export interface Life {
  readonly context: Context;
  readonly calls: readonly Call[];
}

export interface LifeOptions {
  readonly passing?: Passing;
  /** Default 900 000. */
  readonly remainingMs?: number;
}

export interface WorldOptions extends RigOptions {
  /** Where the secret is. Default: in Secrets Manager. */
  readonly vault?: typeof awsVault | typeof ssmVault;
  /** Redis cannot be asked, and the task's word is enough. */
  readonly blind?: boolean;
  /** Two rotations compete: for a moment the live password may be in a version that has lost its label. */
  readonly isContest?: boolean;
}

export interface World {
  readonly rig: Rig;
  readonly secretId: string;
  /** The passwords in requests to change one, whether these arrived or not. */
  readonly sent: ReadonlySet<unknown>;
  /** One process: its calls are counted and pass through `passing`. The real driver of Secrets Manager, the real rotation. */
  life(options?: LifeOptions): Life;
  /**
   * What was not as it must be at any moment, and what is not when all is over. Empty where the live password was always
   * readable under a label, current opens Redis, and nothing is pending.
   */
  unrest(): readonly string[];
  passwordAt(label: Label): string | undefined;
  passwordOf(versionId: string | undefined): string | undefined;
  /** Whether a text holds any password of this world. */
  leaks(text: string): boolean;
}

interface Credentials {
  readonly username?: string;
  readonly password: string;
}

interface Stored {
  readonly versionId: string;
  readonly account: Credentials;
  readonly labels: readonly string[];
}

/** The rig, with every call in our hands and every moment looked at. */
export function createWorld(given: WorldOptions = {}): World {
  const { blind = false, isContest = false, vault: openVault = awsVault, ...options } = given;
  const rig = createRig(options);
  const vault = openVault(rig);
  if (blind) rig.redis.unknownNext(Number.POSITIVE_INFINITY);
  /** Found at whatever moment: never a password. */
  const flaws = new Set<string>();
  const isAlternating = options.secret?.usernames !== undefined;
  const opens = (account?: Credentials) =>
    account !== undefined && rig.opens(account.password, account.username);
  const onceLive = new Set<string>();
  /** By the text of a version, each read once. */
  const accounts = new Map<string, Credentials>();
  const otherFields = new Set<string>();
  const sent = new Set<unknown>();

  function accountIn(text: string): Credentials {
    const known = accounts.get(text);
    if (known !== undefined) return known;
    const { username, password, ...others } = JSON.parse(text);
    const account = { username, password };
    accounts.set(text, account);
    otherFields.add(JSON.stringify([others, isAlternating || username]));
    return account;
  }

  function stored(): Stored[] {
    return vault.stored().map(({ text, ...version }) => ({ ...version, account: accountIn(text) }));
  }

  const accountAt = (label: Label) => stored().find(({ labels }) => labels.includes(label))?.account;

  function look(): void {
    const versions = stored();
    const live = versions.filter(({ account }) => opens(account));
    for (const { account } of live) onceLive.add(account.password);
    if (live.length === 0) flaws.add("the password that opens Redis is in no version");
    else if (!isContest && live.every(({ labels }) => labels.length === 0)) {
      flaws.add("the password that opens Redis is in a version without a label");
    }
    const current = versions.find(({ labels }) => labels.includes("AWSCURRENT"));
    if (isAlternating && current !== undefined && !opens(current.account)) {
      flaws.add("a client that read the secret was refused by Redis");
    }
    if (current !== undefined && !onceLive.has(current.account.password)) {
      flaws.add("current names a password that Redis never had");
    }
    if (otherFields.size > 1) flaws.add("a field of the secret was lost or changed");
  }

  function life({ passing = (_call, effect) => effect(), remainingMs = 900_000 }: LifeOptions = {}): Life {
    const calls: Call[] = [];
    const pass = async <T>(port: Call["port"], action: string, effect: () => Promise<T>): Promise<T> => {
      const call = { index: calls.length, port, action };
      calls.push(call);
      const answer = await passing(call, async () => {
        try {
          return await effect();
        } finally {
          look();
        }
      });
      return answer as T;
    };
    const { clock, tencentDb, redis } = rig;
    const model = {
      ...tencentDb,
      dispatch: (call: Parameters<typeof tencentDb.dispatch>[0]) => {
        const { Password, AccountPassword, password } = call.parameters;
        if (isPasswordAction(call.action)) sent.add(Password ?? AccountPassword ?? password);
        return pass("controlPlane", call.action, () => tencentDb.dispatch(call));
      },
    };
    const ports = {
      store: vault.store((action, effect) => pass("store", action, effect)),
      controlPlane: createFakeControlPlane({ model, clock }),
      probe: (target: Parameters<Context["probe"]>[0]) => pass("probe", "AUTH", () => redis.probe(target)),
    };
    const context = rig.run({ ...ports, ...(blind && { verify: "task" as const }) }, remainingMs);
    return { context, calls };
  }

  look();
  return {
    rig,
    secretId: vault.secretId,
    sent,
    life,
    unrest() {
      look();
      return [
        ...flaws,
        ...(accountAt("AWSPENDING") === undefined ? [] : ["a version is still pending"]),
        ...(opens(accountAt("AWSCURRENT")) ? [] : ["current does not open Redis"]),
      ];
    },
    passwordAt: (label) => accountAt(label)?.password,
    passwordOf: (versionId) => stored().find((version) => version.versionId === versionId)?.account.password,
    leaks: (text) => stored().some(({ account }) => text.includes(account.password)),
  };
}
