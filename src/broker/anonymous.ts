// Why a broker that nobody has to log in to does not listen beyond this machine unless that is allowed.
// Leaves to others: which addresses those are (broker.ts, cli/http-ports.ts).

/** What to do instead, after the name of the address. */
export function anonymousFault(dataDir: string): string {
  return (
    "other machines could connect, and do everything without a login. Add a user first: " +
    `\`rustlog users add NAME --admin --data-dir ${dataDir}\`, or --bootstrap-admin-file. ` +
    "Passwords and data need TLS, too: --listen tls://HOST:PORT, --tls-cert, --tls-key; docs/SECURITY.md has a recipe. " +
    "In a network that you trust, --allow-anonymous lets everybody in"
  );
}
