// A function has no home directory, and no configuration files of AWS in it.
export async function loadSharedConfigFiles() {
  return { configFile: {}, credentialsFile: {} };
}
