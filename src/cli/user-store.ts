// The users of a broker, as `rustlog users` changes them. Leaves to others: where they are (users.ts, stopped-broker.ts).
import type { UserListing } from "../client/admin-types.js";

export interface UserStore {
  list(): Promise<readonly UserListing[]>;
  /** Returns whether there was such a user. */
  setPassword(name: string, password: string, isAdministrator: boolean): Promise<boolean>;
  delete(name: string): Promise<void>;
}
