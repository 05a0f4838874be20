import { BlockList, isIP } from "node:net";
import { RotationError } from "../errors.ts";

/** The HTTP proxy before the clouds. */
export interface ProxySettings {
  /** `http:` or `https:`, with user and password where the proxy asks for them. No message may show it. */
  readonly url: string;
  /** What is reached without it: NO_PROXY as it is set. */
  readonly noProxy: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that an environment names: `https_proxy` and `no_proxy`, or the same in capitals. As with curl the small
 * letters win, what is set to nothing is not set, and `http://` may be left out.
 *
 * @throws RotationError `ConfigurationInvalid`, which shows nothing of the value
 */
export function parseProxy(environment: Environment): ProxySettings | undefined {
  const name = ["https_proxy", "HTTPS_PROXY"].find((each) => environment[each]);
  const given = name && environment[name];
  if (!name || !given) return undefined;
  const url = given.includes("://") ? given : `http://${given}`;
  if (!URL.canParse(url)) throw invalid(`${name}: is not a URL, such as http://proxy.example:3128`);
  const { protocol, username, password } = new URL(url);
  if (protocol !== "http:" && protocol !== "https:") {
    throw invalid(`${name}: the proxy must be an http: or https: one`);
  }
  try {
    decodeURIComponent(username + password);
  } catch {
    throw invalid(`${name}: a percent sign in the user or password must be written %25`);
  }
  return { url, noProxy: environment.no_proxy || environment.NO_PROXY || "" };
}

/**
 * Whether NO_PROXY names a host, by curl's rules: entries between commas or blanks; `*` is every host; a name is that
 * host and all below it, with or without a dot or `*.` before it; an address or a CIDR range is what it says; `:port`
 * makes an entry one for that port alone.
 */
export function isBypassed(noProxy: string, host: string, port: number): boolean {
  const bare = host.toLowerCase().replace(/^\[|\]$|\.$/g, "");
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean)
    .some((entry) => matches(entry, bare, port));
}

function matches(entry: string, host: string, port: number): boolean {
  if (entry === "*") return true;
  const [, beforePort, onlyPort] = /^(\[.+\]|[^:]+):(\d+)$/.exec(entry) ?? [];
  if (onlyPort !== undefined && Number(onlyPort) !== port) return false;
  const named = (beforePort ?? entry).replace(/^\[|\]$/g, "");
  if (isIP(host) !== 0) return covers(named, host);
  const domain = named.replace(/^\*?\./, "").replace(/\.$/, "");
  return domain !== "" && (host === domain || host.endsWith(`.${domain}`));
}

function covers(range: string, address: string): boolean {
  const [network = "", bits] = range.split("/");
  const family = (ip: string) => (isIP(ip) === 6 ? "ipv6" : "ipv4");
  const widest = isIP(network) === 6 ? 128 : 32;
  const prefix = bits === undefined ? widest : Number(/^\d+$/.exec(bits)?.[0] ?? Number.NaN);
  if (isIP(network) === 0 || !(prefix <= widest)) return false;
  const list = new BlockList();
  list.addSubnet(network, prefix, family(network));
  return list.check(address, family(address));
}

function invalid(message: string): RotationError {
  return new RotationError("ConfigurationInvalid", `Environment: ${message}`, { effect: "none" });
}
