/** Which hosts would be asked, and whether they answer. */
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { endpointOf, secretsManagerClient } from "../../../lib/drivers/aws-client.ts";
import { awsUrl } from "../../../lib/drivers/aws-post.ts";
import { type EndpointLook, lookAtEndpoint } from "../../../lib/drivers/endpoint-look.ts";
import { throughProxy } from "../../../lib/drivers/proxy-agent.ts";
import { isBypassed, type ProxySettings } from "../../../lib/drivers/proxy-settings.ts";
import { systemClock } from "../../../lib/drivers/runtime.ts";
import { parseEndpoint, routeTo, tencentHost } from "../../../lib/drivers/tencent-route.ts";
import type { SecretValue } from "../../../lib/ports.ts";
import type { Invocation } from "../../compose.ts";
import type { Settings } from "../../settings.ts";
import { type Check, check, type Finding, good } from "./checks.ts";
import type { Clocks, Cloud } from "./clock.ts";

const TIMEOUT_MS = 5_000;

/** Where Tencent Cloud's STS is asked, be it only by this command. */
export function stsRegionOf({ config, ssmRegion }: Settings): string {
  return config.role?.region ?? (ssmRegion || (config.site === "intl" ? "ap-singapore" : "ap-guangzhou"));
}

interface FirstEndpoints {
  readonly checks: readonly Check[];
  readonly ofStore: Check;
  /** Tencent Cloud's. */
  readonly ofSts: Check;
}

/** Those that are known before any secret has been read. */
export async function firstEndpoints(
  invocation: Invocation,
  settings: Settings,
  clocks: Clocks,
): Promise<FirstEndpoints> {
  const { config, ssmRegion } = settings;
  const aws = (service: keyof typeof AWS_SERVICES) => awsEndpoint(service, invocation, settings, clocks);
  const tencent = (place: TencentPlace) => tencentEndpoint(settings, place, clocks);
  const [ofStore, ofSts, ...others] = await Promise.all([
    config.store === "ssm" ? tencent({ service: "ssm", regions: [ssmRegion] }) : aws("secretsmanager"),
    tencent({ service: "sts", regions: [stsRegionOf(settings)], isOwn: config.role === undefined }),
    ...(config.store === "ssm" && config.credentialsSecretId ? [aws("secretsmanager")] : []),
    ...(config.role ? [aws("sts")] : []),
  ]);
  return { checks: [ofStore, ...others, ofSts], ofStore, ofSts };
}

interface TencentPlace {
  /** `redis`, `ssm` or `sts`; `api-2.0` is the one host of TencentDB's API 2.0. */
  readonly service: string;
  /** Those that are asked for there. */
  readonly regions: readonly [string, ...string[]];
  /** No rotation asks there: only this command does. */
  readonly isOwn?: boolean;
}

/** One host of Tencent Cloud. */
export function tencentEndpoint(
  { config, proxy }: Settings,
  { service, regions, isOwn = false }: TencentPlace,
  clocks: Clocks,
): Promise<Check> {
  const { endpointUrl, site } = config;
  return check(systemClock, ["endpoint", `${service} in ${regions.join(", ")}`], async () => {
    const place = { service, region: regions[0], ...(site === "intl" && { site }) };
    const subject = service === "api-2.0" ? "redis.api.qcloud.com" : tencentHost(place);
    const elsewhere = endpointUrl === undefined ? undefined : parseEndpoint(endpointUrl);
    const url = new URL(`${elsewhere?.protocol ?? "https:"}//${subject}`);
    const route = routeTo({ endpointUrl, proxy, timeoutMs: TIMEOUT_MS });
    const look = await lookAtEndpoint({ url, route, clock: systemClock, timeoutMs: TIMEOUT_MS });
    noteClock(clocks, "Tencent Cloud", look);
    const way = wayTo(elsewhere ?? url, proxy);
    const via = elsewhere === undefined ? way : `${way}, at ${elsewhere.host} (TENCENTCLOUD_ENDPOINT_URL)`;
    const { status, found, ...advice } = judge(look, via, proxy);
    if (!isOwn) return { subject, status, found: `for ${regions.join(", ")}: ${found}`, ...advice };
    return {
      subject,
      status: status === "bad" ? "unknown" : status,
      found: `for this check alone: ${found}`,
    };
  });
}

/** Where TencentDB is asked for these: one host for all ordinary regions, and one for each finance region. */
export function tencentPlaces(values: readonly SecretValue[]): TencentPlace[] {
  const places = new Map<string, Set<string>>();
  const add = (key: string, region: string) => places.set(key, (places.get(key) ?? new Set()).add(region));
  for (const { region, api } of values) {
    add(region.endsWith("-fsi") ? region : "redis", region);
    if (api === "ModfiyRedisPassword") add("api-2.0", region);
  }
  return [...places].map(([key, regions]) => {
    const [first = "", ...others] = [...regions].sort();
    return { service: key === "api-2.0" ? key : "redis", regions: [first, ...others] };
  });
}

const AWS_SERVICES = {
  secretsmanager: ["Secrets Manager", "AWS_ENDPOINT_URL_SECRETS_MANAGER"],
  sts: ["AWS STS", "AWS_ENDPOINT_URL_STS"],
} as const;

/** One endpoint of AWS. */
function awsEndpoint(
  service: keyof typeof AWS_SERVICES,
  { environment }: Invocation,
  { config, proxy }: Settings,
  clocks: Clocks,
): Promise<Check> {
  const { storeRegion } = config;
  const [name, ownVariable] = AWS_SERVICES[service];
  const variables = [ownVariable, "AWS_ENDPOINT_URL"];
  return check(systemClock, ["endpoint", name], async () => {
    const region = service === "secretsmanager" ? storeRegion : undefined;
    const client = await secretsManagerClient({ ...(region && { region }), proxy });
    const variable = variables.find((each) => environment[each]);
    const own = variable && environment[variable];
    const url = own ? awsUrl(own, variables.join(" or ")) : await endpointOf(client, service);
    client.destroy();
    // The SDK sends plain HTTP past the proxy.
    const used = url.protocol === "https:" ? proxy : undefined;
    const agent =
      url.protocol === "https:" ? throughProxy(new HttpsAgent(), used, TIMEOUT_MS) : new HttpAgent();
    const look = await lookAtEndpoint({ url, route: { agent }, clock: systemClock, timeoutMs: TIMEOUT_MS });
    noteClock(clocks, "AWS", look);
    const via = own ? `${wayTo(url, used)} (${variable})` : wayTo(url, used);
    const { found, ...judged } = judge(look, via, used);
    return { ...judged, subject: url.host, found: `for ${name}: ${found}` };
  });
}

function noteClock(clocks: Clocks, cloud: Cloud, look: EndpointLook): void {
  if (look.answered && look.aheadMs !== undefined) clocks[cloud] = look.aheadMs;
}

function wayTo(url: URL, proxy: ProxySettings | undefined): string {
  const secure = url.protocol === "https:";
  const said = secure ? "over TLS" : "without TLS";
  const port = Number(url.port || (secure ? 443 : 80));
  if (proxy === undefined || isBypassed(proxy.noProxy, url.hostname, port)) return `${said}, directly`;
  return `${said}, through the proxy ${new URL(proxy.url).host}`;
}

function judge(look: EndpointLook, via: string, proxy: ProxySettings | undefined): Finding {
  if (look.answered) return good(`it answers ${via}`);
  const { reason } = look;
  const fix = reason.startsWith("the certificate")
    ? "Let Node trust the authority of whoever is in between (NODE_EXTRA_CA_CERTS), or go past it."
    : proxy === undefined
      ? "Check the name servers, the route and the firewall to this host on port 443, or set HTTPS_PROXY."
      : "Check the proxy in HTTPS_PROXY, and whether NO_PROXY should name this host.";
  return { status: "bad", found: `no answer ${via}: ${reason}`, fix };
}
