// What a broker stores of a password. Leaves to others: salting it (security/scram.ts).
import {
  createSalted,
  credentialOf,
  type ScramCredential,
  type ScramMechanism,
} from "../../src/security/scram.js";

export async function createCredential(
  mechanism: ScramMechanism,
  password: string,
  iterations?: number,
): Promise<ScramCredential> {
  const salted = await createSalted(mechanism, password, iterations);
  return credentialOf(mechanism, salted.saltedPassword, salted.salt, salted.iterations);
}
