import { ApiError } from "./api-error.ts";
import type { PasswordPolicy } from "./password-rules.ts";

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
}

export interface InstanceList {
  add(options: InstanceOptions): Instance;
  /** For the test: wherever it is. @throws Error where there is none */
  get(instanceId: string): Instance;
  /** For the API: an instance is known in its own region only. @throws ApiError */
  find(region: string, instanceId: string): Instance;
  inRegion(region: string): readonly Instance[];
}

export function createInstanceList(): InstanceList {
  const instances = new Map<string, Instance>();
  return {
    add(options) {
      const { status = 2, noAuth = false, type = 15, passwordPolicy, ...fixed } = options;
      const instance: Instance = { ...fixed, status, noAuth, type, passwordPolicy };
      instances.set(instance.instanceId, instance);
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
    inRegion: (region) => [...instances.values()].filter((instance) => instance.region === region),
  };
}
