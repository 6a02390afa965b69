// Variables named RUSTLOG_… that are no settings: empty ones, and those that Kubernetes or Docker sets for a service
// of that name. Leaves to others: the settings themselves (each option names its variable).

/** What Kubernetes puts into `NAME_PORT` for a service called NAME: `tcp://10.0.0.1:9092`. */
const SERVICE_ADDRESS = /^(?:tcp|udp|sctp):\/\/\S+:\d+$/;

/**
 * Removes those variables from `environment`, so that every option takes its default. Returns a line for each
 * that held the address of a service.
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
        `rustlog: ignoring ${name}=${value}, which Kubernetes sets for a service; 'enableServiceLinks: false' in the pod avoids it`,
      );
    }
  }
  return lines;
}
