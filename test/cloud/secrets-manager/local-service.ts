import { randomUUID } from "node:crypto";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { Clock } from "../../../lib/ports.ts";
import { createSecretsManager, type SecretsManager } from "./model.ts";
import { type SecretsManagerServer, startSecretsManager } from "./server.ts";

const KEYS = {
  AKIDEXAMPLELOCAL: { secretAccessKey: "local-secret-access-key" },
  ASIAEXAMPLELOCAL: { secretAccessKey: "local-temporary-key", sessionToken: "local-session-token" },
};

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface LocalService {
  readonly server: SecretsManagerServer;
  /** In eu-west-1. */
  readonly europe: SecretsManager;
  /** In us-east-1. */
  readonly america: SecretsManager;
  /** The real SDK's client, pointed here. One attempt a call. */
  client(options?: {
    region?: string;
    credentials?: Credentials;
    maxAttempts?: number;
  }): SecretsManagerClient;
}

export const LASTING: Credentials = { accessKeyId: "AKIDEXAMPLELOCAL", ...KEYS.AKIDEXAMPLELOCAL };
export const TEMPORARY: Credentials = { accessKeyId: "ASIAEXAMPLELOCAL", ...KEYS.ASIAEXAMPLELOCAL };

/** Two regions behind one port, for the tests of the service itself. */
export async function startLocalService(clock: Clock): Promise<LocalService> {
  const europe = createSecretsManager({ clock, newId: randomUUID, region: "eu-west-1" });
  const america = createSecretsManager({ clock, newId: randomUUID, region: "us-east-1" });
  const regions = new Map([europe, america].map((store) => [store.region, store]));
  const server = await startSecretsManager({
    clock,
    newId: randomUUID,
    keys: KEYS,
    inRegion: (region) => regions.get(region),
  });
  return {
    server,
    europe,
    america,
    client: ({ region = "eu-west-1", credentials = LASTING, maxAttempts = 1 } = {}) =>
      new SecretsManagerClient({ endpoint: server.url, region, credentials, maxAttempts }),
  };
}
