/** The current version of a secret in Tencent SSM. `client` is the SDK's client for ssm, version 2019-09-23. */
export async function readSecret(client, name) {
  const { SecretString } = await client.GetSecretValue({ SecretName: name, VersionId: "SSM_Current" });
  return JSON.parse(SecretString);
}
