import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { secretsManagerClient } from "../lib/drivers/aws-client.ts";
import type { ProxySettings } from "../lib/drivers/proxy-settings.ts";

const clients = new Map<string, SecretsManagerClient>();

/** A warm function finds its connections to Secrets Manager again. The client renews its credentials by itself. */
export async function warmClient(
  region: string | undefined,
  proxy: ProxySettings | undefined,
): Promise<SecretsManagerClient> {
  const key = JSON.stringify([region, proxy]);
  const client = clients.get(key) ?? (await secretsManagerClient({ ...(region && { region }), proxy }));
  clients.set(key, client);
  return client;
}
