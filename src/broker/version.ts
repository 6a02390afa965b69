// The version of the program, for clients and the banner.
// Leaves to others: package.json, which must have the same version; a test compares them.

export const VERSION = "0.1.0";
