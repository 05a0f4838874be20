import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { listen } from "../cloud/listen.ts";

export interface SecretsAgent {
  /** What a client needs to ask it. */
  readonly environment: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/**
 * What the AWS Secrets Manager Agent is to a client: plain HTTP on loopback, a token in a header, and a cache that
 * `refreshNow=true` passes by.
 */
export async function startSecretsAgent(read: () => string): Promise<SecretsAgent> {
  const token = randomBytes(16).toString("hex");
  let cached: string | undefined;
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    if (request.headers["x-aws-parameters-secrets-token"] !== token) response.statusCode = 403;
    else if (pathname !== "/secretsmanager/get" || !searchParams.has("secretId")) response.statusCode = 400;
    else {
      if (cached === undefined || searchParams.get("refreshNow") === "true") cached = read();
      response.write(JSON.stringify({ SecretString: cached, VersionStages: ["AWSCURRENT"] }));
    }
    response.end();
  });
  const { port, close } = await listen(server);
  return {
    environment: { AGENT_URL: `http://127.0.0.1:${port}`, AGENT_TOKEN: token },
    close,
  };
}
