// Where the file of client profiles is. Leaves to others: the file (profile-file.ts).
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** `rustlog/config.toml` in the directory for configuration of the XDG Base Directory Specification. */
export function profilePath(): string {
  const { XDG_CONFIG_HOME = "" } = process.env;
  // The specification says to ignore a relative path.
  const base = isAbsolute(XDG_CONFIG_HOME) ? XDG_CONFIG_HOME : join(homedir(), ".config");
  return join(base, "rustlog", "config.toml");
}
