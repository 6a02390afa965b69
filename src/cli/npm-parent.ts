// Detects the death of npm under `npm start`. npm forwards SIGINT and SIGTERM, but SIGHUP and SIGKILL kill it and leave
// the broker behind. Leaves to others: signals to the broker itself (signals.ts).

const POLL_MS = 250;

/** Calls `onEnd` when the npm that runs `npm start` has ended. Does nothing in a process started another way. */
export function watchNpmStart(onEnd: () => void): void {
  const { npm_lifecycle_event: script, npm_package_name: name } = process.env;
  if (script !== "start" || name !== "rustlog") return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    // An orphan is adopted by another parent.
    if (process.ppid === parent) return;
    clearInterval(timer);
    onEnd();
  }, POLL_MS);
  timer.unref();
}
