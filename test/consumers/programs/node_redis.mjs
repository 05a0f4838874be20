import { Agent } from "node:http";
import { Client } from "tencentcloud-sdk-nodejs/tencentcloud/services/ssm/v20190923/ssm_client.js";
import { connect } from "../../../docs/consumers/node_redis.mjs";
import { readSecret as readFromAws } from "../../../docs/consumers/read_secret_aws.mjs";
import { readSecret as readFromSsm } from "../../../docs/consumers/read_secret_ssm.mjs";
import { rotatingPassword } from "../../../docs/consumers/rotating_password.mjs";
import { tellingRefusals, told, work } from "./loop.mjs";

const { SECRET_NAME, SECRET_STORE } = process.env;
const readSecret =
  SECRET_STORE === "ssm" ? () => readFromSsm(localSsm(), SECRET_NAME) : () => readFromAws(SECRET_NAME);
const password = tellingRefusals(rotatingPassword(told(readSecret)));
const address = await readSecret();

await work({
  client: await connect(password, address),
  connect: () => connect(password, address),
  close: (client) => client.destroy(),
});

/** The SDK's own client; its connections end in the local cloud. */
function localSsm() {
  const { hostname, port } = new URL(process.env.TENCENTCLOUD_ENDPOINT_URL);
  const agent = new Agent({ host: hostname, port: Number(port) });
  return new Client({
    credential: {
      secretId: process.env.TENCENTCLOUD_SECRET_ID,
      secretKey: process.env.TENCENTCLOUD_SECRET_KEY,
    },
    region: process.env.SECRET_STORE_REGION,
    profile: { httpProfile: { protocol: "http://", agent } },
  });
}
