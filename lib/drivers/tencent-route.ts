import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { isIP } from "node:net";
import { isConfidential } from "../confidential-url.ts";
import { RotationError } from "../errors.ts";
import { throughProxy } from "./proxy-agent.ts";
import type { ProxySettings } from "./proxy-settings.ts";

/**
 * The host of a service for a region: one for all ordinary regions of a site, and its own for each finance region,
 * which has no `intl` in its name on either site.
 * @throws RotationError `ConfigurationInvalid` where the region is not a region's name
 */
export function tencentHost(place: {
  readonly service: string;
  readonly region: string;
  readonly site?: "intl" | undefined;
}): string {
  const { service, region, site } = place;
  if (!/^[a-z]+(-[a-z0-9]+)+$/.test(region)) throw invalid("The region is not a region's name");
  if (region.endsWith("-fsi")) return `${service}.${region}.tencentcloudapi.com`;
  return site === "intl" ? `${service}.intl.tencentcloudapi.com` : `${service}.tencentcloudapi.com`;
}

export interface Route {
  readonly protocol: "http://" | "https://";
  readonly agent: HttpAgent;
}

/** Shared by all clients of the process, so that a warm function finds its connections again. */
const routes = new Map<string, Route>();

export const DEFAULT_TIMEOUT_MS = 10_000;
const KEEP_IDLE_MS = 15_000;

export function routeTo(way: {
  readonly endpointUrl?: string | undefined;
  readonly ca?: string | undefined;
  readonly proxy?: ProxySettings | undefined;
  readonly timeoutMs?: number | undefined;
}): Route {
  const { endpointUrl, ca, proxy, timeoutMs = DEFAULT_TIMEOUT_MS } = way;
  const key = JSON.stringify([endpointUrl, ca, proxy, timeoutMs]);
  const known = routes.get(key);
  if (known) return known;
  const url = endpointUrl === undefined ? undefined : parseEndpoint(endpointUrl);
  const route = url?.protocol === "http:" ? plainRoute(url) : tlsRoute(url, ca);
  throughProxy(route.agent, proxy, timeoutMs);
  routes.set(key, route);
  return route;
}

function plainRoute(url: URL): Route {
  const target = { host: bareHost(url), port: Number(url.port || 80) };
  return { protocol: "http://", agent: new HttpAgent({ keepAlive: true, timeout: KEEP_IDLE_MS, ...target }) };
}

function tlsRoute(url: URL | undefined, ca: string | undefined): Route {
  const host = url && bareHost(url);
  // An agent's own options win over the request's, so the certificate is checked for the host connected to.
  const target = host && { host, port: Number(url.port || 443), servername: isIP(host) ? "" : host };
  const agent = new HttpsAgent({ keepAlive: true, timeout: KEEP_IDLE_MS, ...target, ...(ca && { ca }) });
  return { protocol: "https://", agent };
}

/** @throws RotationError `ConfigurationInvalid` where the URL is not one that passwords may be sent to */
export function parseEndpoint(endpointUrl: string): URL {
  if (!URL.canParse(endpointUrl)) throw invalid("TENCENTCLOUD_ENDPOINT_URL is not a URL");
  const url = new URL(endpointUrl);
  if (!isConfidential(url)) {
    throw invalid("TENCENTCLOUD_ENDPOINT_URL must be https, or http on a loopback address");
  }
  if (url.href !== `${url.origin}/`) {
    throw invalid("TENCENTCLOUD_ENDPOINT_URL must have a scheme, a host and a port, and nothing else");
  }
  return url;
}

function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

function invalid(message: string): RotationError {
  return new RotationError("ConfigurationInvalid", message, { effect: "none" });
}
