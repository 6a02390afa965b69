// Drops RUSTLOG_… variables that are not settings: empty ones, and those that Kubernetes or Docker sets for a service
// named "rustlog". Leaves to others: the settings (each option names its variable).

/** What Kubernetes sets `NAME_PORT` to for a service called NAME: `tcp://10.0.0.1:9092`. */
const SERVICE_ADDRESS = /^(?:tcp|udp|sctp):\/\/\S+:\d+$/;

/**
 * Removes these variables from `environment`, so that their options take the defaults. Returns a warning for each one
 * that held a service address.
 */
export function dropForeignVariables(environment: Record<string, string | undefined>): string[] {
  const lines: string[] = [];
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith("RUSTLOG_")) continue;
    const isService = name.endsWith("_PORT") && SERVICE_ADDRESS.test(value ?? "");
    if (value !== "" && !isService) continue;
    delete environment[name];
    if (isService) {
      lines.push(
        `rustlog: ignoring ${name}=${value}, which Kubernetes sets for a service; set 'enableServiceLinks: false' in the pod to avoid this`,
      );
    }
  }
  return lines;
}
