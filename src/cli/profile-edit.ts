// Changes the file of client profiles, and keeps everything else in it: comments, order, blank lines.
// Leaves to others: what the file means (profile-file.ts).
import { chmodSync, existsSync, mkdirSync, realpathSync, renameSync, statSync } from "node:fs";
import { writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { CliError } from "./exit.js";
import { isTable, parseToml, type TomlFile, type TomlTable } from "./toml-file.js";

/** Only the owner may read it: it will hold credentials. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

const HEADER = /^\s*\[/;

/** Sets or removes the current profile. */
export function withCurrent(file: TomlFile, name: string | undefined): string {
  const lines = file.text.split("\n");
  const firstHeader = lines.findIndex((line) => HEADER.test(line));
  const end = firstHeader === -1 ? lines.length : firstHeader;
  const at = lines.findIndex((line, i) => i < end && /^\s*profile\s*=/.test(line));
  const statement = name === undefined ? [] : [`profile = ${JSON.stringify(name)}`];
  if (at === -1) lines.unshift(...statement, ...(name === undefined ? [] : [""]));
  else lines.splice(at, 1, ...statement);
  const { profile: _, ...rest } = file.table;
  return checked(file, lines.join("\n"), name === undefined ? rest : { ...rest, profile: name });
}

/** Adds a profile at the end. */
export function withProfile(file: TomlFile, name: string, profile: TomlTable): string {
  const before = file.text.trim() === "" ? "" : `${file.text.trimEnd()}\n\n`;
  const settings = Bun.TOML.stringify(profile).trimEnd();
  return checked(file, `${before}[profiles.${name}]\n${settings}\n`, {
    ...file.table,
    profiles: { ...profilesIn(file), [name]: profile },
  });
}

/** Removes a profile with its lines. */
export function withoutProfile(file: TomlFile, name: string): string {
  const lines = file.text.split("\n");
  const start = lines.findIndex((line) => HEADER.test(line) && isHeaderOf(line, name));
  if (start !== -1) {
    const next = lines.findIndex((line, i) => i > start && HEADER.test(line));
    lines.splice(start, (next === -1 ? lines.length : next) - start);
  }
  const { [name]: _, ...profiles } = profilesIn(file);
  return checked(file, lines.join("\n"), { ...file.table, profiles });
}

function isHeaderOf(line: string, name: string): boolean {
  try {
    const { profiles } = parseToml(line);
    return isTable(profiles) && Object.hasOwn(profiles, name);
  } catch {
    return false;
  }
}

function profilesIn({ table: { profiles = {} } }: TomlFile): TomlTable {
  return isTable(profiles) ? profiles : {};
}

/** The file may be written in a way that these edits don't understand, so the result is compared with what was meant. */
function checked(file: TomlFile, text: string, meant: TomlTable): string {
  let table: TomlTable | undefined;
  try {
    table = parseToml(text);
  } catch {
    // The line of the error would be one that nobody has written.
  }
  const normal = { ...table, profiles: table?.profiles ?? {} };
  if (table !== undefined && Bun.deepEquals(normal, { ...meant, profiles: meant.profiles ?? {} })) {
    return text;
  }
  throw new CliError(`can't make this change in ${file.path}; nothing was changed`, {
    help: "Make it in an editor.",
  });
}

/** Replaces the file by a rename. A symbolic link stays one. */
export function writeProfileFile(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
  const target = existsSync(path) ? realpathSync(path) : path;
  const mode = existsSync(target) ? statSync(target).mode & 0o777 : FILE_MODE;
  const draft = `${target}.${process.pid}.new`;
  writeFileSync(draft, text, { mode });
  chmodSync(draft, mode);
  renameSync(draft, target);
}
