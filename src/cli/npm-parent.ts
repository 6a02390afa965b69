// The npm of `npm start`: it passes SIGINT and SIGTERM on, but SIGHUP and SIGKILL end it and leave the broker behind.
// Leaves to others: signals that reach the broker itself (signals.ts).

const POLL_MS = 250;

/** Calls `onEnd` once the npm that runs `npm start` has ended; never for a process that was started otherwise. */
export function watchNpmStart(onEnd: () => void): void {
  const { npm_lifecycle_event: script, npm_package_name: name } = process.env;
  if (script !== "start" || name !== "rustlog") return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    // An orphan gets another parent.
    if (process.ppid === parent) return;
    clearInterval(timer);
    onEnd();
  }, POLL_MS);
  timer.unref();
}
