import { ApiError } from "./api-error.ts";

const REGIONS = new Set([
  "ap-bangkok",
  "ap-beijing",
  "ap-beijing-fsi",
  "ap-chengdu",
  "ap-chongqing",
  "ap-guangzhou",
  "ap-hongkong",
  "ap-jakarta",
  "ap-mumbai",
  "ap-nanjing",
  "ap-seoul",
  "ap-shanghai",
  "ap-shanghai-fsi",
  "ap-shenzhen-fsi",
  "ap-singapore",
  "ap-taipei",
  "ap-tokyo",
  "eu-frankfurt",
  "na-ashburn",
  "na-siliconvalley",
  "na-toronto",
  "sa-saopaulo",
]);

export interface Endpoint {
  /** The host's first label: `redis`, `ssm`. */
  readonly service: string;
  /** The region that the host names, where it names one. */
  readonly region?: string;
  /** API 2.0 is served there, for every region. */
  readonly legacy?: true;
}

/** Reads a Host header; undefined where no API is served under that name. */
export function parseHost(host: string): Endpoint | undefined {
  const name = host.replace(/:\d+$/, "").toLowerCase();
  const [, legacyService] = /^([a-z]+)\.api\.qcloud\.com$/.exec(name) ?? [];
  if (legacyService !== undefined) return { service: legacyService, legacy: true };
  const [, service, middle] = /^([a-z]+)(?:\.([a-z0-9-]+))?\.tencentcloudapi\.com$/.exec(name) ?? [];
  if (service === undefined) return undefined;
  if (middle === undefined || middle === "intl") return { service };
  return REGIONS.has(middle) ? { service, region: middle } : undefined;
}

/** For API 3.0 a finance region is served on its own host and nowhere else; every other region on any host but those. */
export function requireRegion(host: string, region: string | undefined): string {
  if (region === undefined || region === "") {
    throw new ApiError("MissingParameter", "The request is missing a required parameter `Region`.");
  }
  const { region: hostRegion, legacy = false } = parseHost(host) ?? {};
  const isolated = !legacy && (isFinance(region) || (hostRegion !== undefined && isFinance(hostRegion)));
  if (!REGIONS.has(region) || (isolated && hostRegion !== region)) {
    throw new ApiError("UnsupportedRegion", "The action not support this region.");
  }
  return region;
}

function isFinance(region: string): boolean {
  return region.endsWith("-fsi");
}
