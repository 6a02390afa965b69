// The version of the program, as clients and the banner are told it.
// Leaves to others: package.json says the same, which a test holds it to.

/** Version of the program. */
export const VERSION = "0.1.0";
