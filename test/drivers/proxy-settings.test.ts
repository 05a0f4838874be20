import { describe, expect, it } from "vitest";
import { isBypassed, parseProxy } from "../../lib/drivers/proxy-settings.ts";

const PASSWORD = "Pr0xy-p@ss";

describe("the proxy", () => {
  it.each([
    [{}, undefined],
    [{ HTTPS_PROXY: "" }, undefined],
    [{ NO_PROXY: "*" }, undefined],
    [{ HTTPS_PROXY: "http://proxy:3128" }, { url: "http://proxy:3128", noProxy: "" }],
    [{ HTTPS_PROXY: "proxy.example:3128" }, { url: "http://proxy.example:3128", noProxy: "" }],
    [{ https_proxy: "https://proxy" }, { url: "https://proxy", noProxy: "" }],
    [
      { https_proxy: "http://small", HTTPS_PROXY: "http://BIG" },
      { url: "http://small", noProxy: "" },
    ],
    [
      { https_proxy: "", HTTPS_PROXY: "http://BIG" },
      { url: "http://BIG", noProxy: "" },
    ],
    [
      { HTTPS_PROXY: "http://p", NO_PROXY: ".a" },
      { url: "http://p", noProxy: ".a" },
    ],
    [
      { HTTPS_PROXY: "http://p", NO_PROXY: ".a", no_proxy: ".b" },
      { url: "http://p", noProxy: ".b" },
    ],
    [{ HTTPS_PROXY: "http://me:a%40b@p:1" }, { url: "http://me:a%40b@p:1", noProxy: "" }],
    [{ HTTP_PROXY: "http://p", http_proxy: "http://p" }, undefined],
  ])("of %j is %j", (environment, proxy) => {
    expect(parseProxy(environment)).toEqual(proxy);
  });

  it.each([
    ["HTTPS_PROXY", `http://me:${PASSWORD}@a b`, "is not a URL"],
    ["https_proxy", `me:${PASSWORD}@proxy:port`, "is not a URL"],
    ["HTTPS_PROXY", `socks5://me:${PASSWORD}@proxy:1080`, "must be an http: or https: one"],
    ["HTTPS_PROXY", `http://me:${PASSWORD}%@proxy`, "must be written %25"],
  ])("cannot be what %s=%s says, and the error shows nothing of it", (name, url, why) => {
    const refused = () => parseProxy({ [name]: url });
    expect(refused).toThrow(expect.objectContaining({ code: "ConfigurationInvalid", effect: "none" }));
    expect(refused).toThrow(`Environment: ${name}: `);
    expect(refused).toThrow(why);
    expect(refused).not.toThrow(PASSWORD);
  });
});

describe("NO_PROXY", () => {
  const API = "redis.tencentcloudapi.com";
  it.each([
    ["", API, false],
    [" , ", API, false],
    ["*", API, true],
    [API, API, true],
    ["tencentcloudapi.com", API, true],
    [".tencentcloudapi.com", API, true],
    ["*.tencentcloudapi.com", API, true],
    ["TencentCloudAPI.com.", API, true],
    ["cloudapi.com", API, false],
    ["redis.tencentcloudapi.com.evil.example", API, false],
    ["internal, .tencentcloudapi.com", API, true],
    ["internal .tencentcloudapi.com", API, true],
    ["tencentcloudapi.com:443", API, true],
    ["tencentcloudapi.com:8443", API, false],
    [".", API, false],
    ["127.0.0.1", "127.0.0.1", true],
    ["127.0.0.1:443", "127.0.0.1", true],
    ["127.0.0.1:80", "127.0.0.1", false],
    ["127.0.0.0/8", "127.9.9.9", true],
    ["10.0.0.0/8", "127.0.0.1", false],
    ["10.0.0.0/99", "10.0.0.1", false],
    ["10.0.0.0/", "11.0.0.1", false],
    ["0.0.1", "127.0.0.1", false],
    ["localhost", "localhost", true],
    ["localhost", "127.0.0.1", false],
    ["::1", "::1", true],
    ["[::1]", "::1", true],
    ["[::1]:443", "[::1]", true],
    ["[::1]:80", "::1", false],
    ["fd00::/8", "fd12::1", true],
    ["fd00::/8", "fe80::1", false],
    ["127.0.0.1", "::1", false],
  ])("%j names %s: %s", (noProxy, host, named) => {
    expect(isBypassed(noProxy, host, 443)).toBe(named);
  });
});
