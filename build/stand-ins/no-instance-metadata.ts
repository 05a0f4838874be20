// A function is no EC2 instance: nobody would answer, and the client would wait for that.
export async function getInstanceMetadataRegion(): Promise<undefined> {}
