// package.json and package-lock.json: `npm install` of any npm from 9 to 11 must find nothing to change in them.
import { expect, test } from "bun:test";
import { textOf } from "./source-tree.js";

interface LockedPackage {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const MANIFEST = JSON.parse(textOf("package.json"));
const LOCK: { readonly packages: Readonly<Record<string, LockedPackage>> } = JSON.parse(
  textOf("package-lock.json"),
);

/** The entry that Node would find for `name` from the package at `path`. */
function locked(path: string, name: string): LockedPackage | undefined {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf("/node_modules/")))) {
    const found = LOCK.packages[at === "" ? `node_modules/${name}` : `${at}/node_modules/${name}`];
    if (found !== undefined || at === "") return found;
  }
}

test("the lock file describes this package like package.json", () => {
  const { name, version, license, engines, dependencies, devDependencies } = MANIFEST;
  const expected = { name, version, license, engines, dependencies, devDependencies };
  expect(LOCK.packages[""]).toEqual(expected);
});

test("the lock file has every dependency, those for other platforms too", () => {
  const paths = Object.keys(LOCK.packages);
  const missing = paths.flatMap((path) => {
    const { dependencies, devDependencies, optionalDependencies } = LOCK.packages[path]!;
    const names = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies });
    return names.filter((name) => locked(path, name) === undefined);
  });
  expect(paths.length).toBeGreaterThan(30);
  expect(missing).toEqual([]);
});

test("the lock file has no field that only some versions of npm write", () => {
  // npm 9 and 10 remove `libc`, npm 11 keeps it; `resolved` depends on a user's settings.
  const found = Object.entries(LOCK.packages).flatMap(([path, entry]) =>
    ["libc", "resolved"].filter((field) => field in entry).map((field) => `${path}: ${field}`),
  );
  expect(found).toEqual([]);
});
