// The Redis client calls it when it is loaded, to get the methods `multi` and `pipeline`.
export function addTransactionSupport(): void {}
