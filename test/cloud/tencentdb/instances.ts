import { ApiError } from "./api-error.ts";
import type { PasswordPolicy } from "./password-rules.ts";

/** The default account, and what API 3.0 calls it. */
export const DEFAULT_ACCOUNT = "default";
export const ROOT = "root";

export interface AccountOptions {
  readonly name: string;
  /** Without one no old password is right. */
  readonly password?: string;
  /** Default `rw`. */
  readonly privilege?: string;
  /** Default `["master"]`. */
  readonly readonlyPolicy?: readonly string[];
  /** Milliseconds since the epoch. Default: not known, as of an account from before the API kept it. */
  readonly passwordChangedAtMs?: number;
}

export interface InstanceOptions {
  readonly instanceId: string;
  readonly region: string;
  /** The private address, despite its name. */
  readonly wanIp: string;
  readonly port: number;
  /** 0 to be initialised, 1 in a flow, 2 running (default), -2 isolated, -3 to be deleted. */
  readonly status?: 0 | 1 | 2 | -2 | -3;
  readonly noAuth?: boolean;
  /** Default 15, Redis 6.2 standard; 3 and 4 are CKV. */
  readonly type?: number;
  readonly passwordPolicy?: PasswordPolicy;
  /** The default account's. Without one no old password is right. */
  readonly password?: string;
  /** Custom accounts. */
  readonly accounts?: readonly AccountOptions[];
}

export interface Account {
  readonly name: string;
  privilege: string;
  readonlyPolicy: readonly string[];
  /** 2 valid, 4 deleted. While a task changes it the API tells 1 instead. */
  status: 2 | 4;
  passwordChangedAtMs: number | undefined;
  passwordDigest: string | undefined;
}

export interface Instance {
  readonly instanceId: string;
  readonly region: string;
  readonly wanIp: string;
  readonly port: number;
  readonly type: number;
  status: 0 | 1 | 2 | -2 | -3;
  noAuth: boolean;
  passwordPolicy: PasswordPolicy | undefined;
  /** By name, the default account first. */
  readonly accounts: Map<string, Account>;
}

export interface InstanceList {
  add(options: InstanceOptions): Instance;
  /** For the test: wherever it is. @throws Error where there is none */
  get(instanceId: string): Instance;
  /** For the API: an instance is known in its own region only. @throws ApiError */
  find(region: string, instanceId: string): Instance;
  /** Default: all of the region. */
  inRegion(region: string, instanceIds?: readonly string[]): readonly Instance[];
}

export function createInstanceList(digest: (text: string) => string): InstanceList {
  const instances = new Map<string, Instance>();

  const account = (options: AccountOptions): [string, Account] => {
    const { name, password, privilege = "rw", readonlyPolicy = ["master"], passwordChangedAtMs } = options;
    const passwordDigest = password === undefined ? undefined : digest(password);
    return [name, { name, privilege, readonlyPolicy, status: 2, passwordChangedAtMs, passwordDigest }];
  };

  return {
    add(options) {
      const { instanceId, region, wanIp, port, passwordPolicy, password, accounts = [] } = options;
      const { status = 2, noAuth = false, type = 15 } = options;
      const own = { name: DEFAULT_ACCOUNT, ...(password !== undefined && { password }) };
      const instance: Instance = {
        ...{ instanceId, region, wanIp, port, status, noAuth, type, passwordPolicy },
        accounts: new Map([own, ...accounts].map(account)),
      };
      instances.set(instanceId, instance);
      return instance;
    },
    get(instanceId) {
      const instance = instances.get(instanceId);
      if (instance === undefined) throw new Error(`There is no instance ${instanceId}`);
      return instance;
    },
    find(region, instanceId) {
      const instance = instances.get(instanceId);
      if (instance === undefined || instance.region !== region) {
        throw new ApiError(
          "ResourceNotFound.InstanceNotExists",
          "No Redis instance is found by the serialId.",
        );
      }
      return instance;
    },
    inRegion(region, instanceIds = [...instances.keys()]) {
      const named = [...new Set(instanceIds)].flatMap((instanceId) => instances.get(instanceId) ?? []);
      return named.filter((instance) => instance.region === region);
    },
  };
}

/** @throws Error where there is none */
export function accountOf(instance: Instance, name: string): Account {
  const account = instance.accounts.get(name);
  if (account === undefined) throw new Error(`${instance.instanceId} has no account ${name}`);
  return account;
}
