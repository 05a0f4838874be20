import { describe, expect, it } from "vitest";
import { qcloudSignature } from "../../lib/drivers/qcloud-signature.ts";

// The sample of the documentation of signatures for API 2.0, to the letter.
const KEY = "Gu5t9xGARNpq86cd98joQYCN3Cozk1qA";
const params = {
  Action: "DescribeInstances",
  "InstanceIds.0": "ins-09dx96dg",
  Nonce: "11886",
  Region: "ap-guangzhou",
  SecretId: "AKIDz8krbsJ5yKBZQpn74WFkmLPx3gnPhESA",
  SignatureMethod: "HmacSHA256",
  Timestamp: "1465185768",
};
const request = { method: "GET", host: "cvm.api.qcloud.com", path: "/v2/index.php", params } as const;

describe("qcloudSignature", () => {
  it.each([
    ["HmacSHA256", "0EEm/HtGRr/VJXTAD9tYMth1Bzm3lLHz5RCDv1GdM8s="],
    ["HmacSHA1", "nPVnY6njQmwQ8ciqbPl5Qe+Oru4="],
  ])("signs the documentation's sample by %s", (SignatureMethod, signature) => {
    expect(qcloudSignature({ ...request, params: { ...params, SignatureMethod } }, KEY)).toBe(signature);
  });

  it("signs by HmacSHA1 where no method is named, as the API does", () => {
    const { SignatureMethod: _, ...others } = params;
    const named = { ...params, SignatureMethod: "other" };
    const signature = qcloudSignature({ ...request, params: others }, KEY);
    expect(signature).toHaveLength(28);
    expect(qcloudSignature({ ...request, params: named }, KEY)).toHaveLength(28);
  });

  it("does not depend on the order of the parameters", () => {
    const reversed = Object.fromEntries(Object.entries(params).reverse());
    expect(qcloudSignature({ ...request, params: reversed }, KEY)).toBe(qcloudSignature(request, KEY));
  });

  it.each([
    ["the method", { method: "POST" as const }],
    ["the host", { host: "redis.api.qcloud.com" }],
    ["the path", { path: "/" }],
    ["a value", { params: { ...params, Nonce: "11887" } }],
    ["a value's first character", { params: { ...params, "InstanceIds.0": "@ins-09dx96dg" } }],
    ["an encoding", { params: { ...params, "InstanceIds.0": "ins%2D09dx96dg" } }],
  ])("depends on %s", (_name, change) => {
    expect(qcloudSignature({ ...request, ...change }, KEY)).not.toBe(qcloudSignature(request, KEY));
  });
});
