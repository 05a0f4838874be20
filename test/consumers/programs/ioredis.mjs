import { connect, whileRefused } from "../../../docs/consumers/ioredis.mjs";
import { readSecret } from "../../../docs/consumers/read_secret_aws.mjs";
import { rotatingPassword } from "../../../docs/consumers/rotating_password.mjs";
import { tellingRefusals, told, work } from "./loop.mjs";

const read = told(() => readSecret(process.env.SECRET_NAME));
const password = tellingRefusals(rotatingPassword(read));
const address = await readSecret(process.env.SECRET_NAME);

await work({
  client: await connect(password, address),
  connect: () => connect(password, address),
  close: (client) => client.disconnect(),
  whileRefused,
});
