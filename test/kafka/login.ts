// How a tested client connects and logs in, and how its documentation says that it is told so.
// Leaves to others: the clients, and who may do what (security.ts).
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type Mechanism = "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512" | "OAUTHBEARER";

/** What is absent is not used. Of files, the paths. */
export interface Login {
  readonly mechanism?: Mechanism;
  readonly user?: string;
  readonly password?: string;
  /** With OAUTHBEARER, in the place of a user. */
  readonly token?: string;
  /** Path of a file with a token that changes, in the place of `token`. */
  readonly tokenFile?: string;
  /** With TLS. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** The token to log in with now. */
export function currentToken({ token = "", tokenFile }: Login): string {
  return tokenFile === undefined ? token : readFileSync(tokenFile, "utf8");
}

/** Kafka's name of how a connection is made. */
function protocolOf({ mechanism, ca }: Login): string {
  return `${mechanism === undefined ? "" : "SASL_"}${ca === undefined ? "PLAINTEXT" : "SSL"}`;
}

/** Settings of librdkafka: https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md. */
export function librdkafkaSettings(login: Login): Readonly<Record<string, string>> {
  return defined({
    "security.protocol": protocolOf(login),
    "sasl.mechanisms": login.mechanism,
    "sasl.username": login.user,
    "sasl.password": login.password,
    "ssl.ca.location": login.ca,
    "ssl.certificate.location": login.cert,
    "ssl.key.location": login.key,
  });
}

/** The environment of a program behind the line protocol; files that it needs are written to `dir`. */
export function lineEnvironment(login: Login, dir: string): Readonly<Record<string, string>> {
  const { tokenUrl, file } = writeProperties(login, dir);
  return {
    CLIENT_LOGIN: JSON.stringify(login),
    CLIENT_PROPERTIES: file,
    // Java's client reads no file of which the machine does not say that it may.
    ...(tokenUrl === undefined
      ? {}
      : {
          JDK_JAVA_OPTIONS: `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${tokenUrl} -Dorg.apache.kafka.sasl.oauthbearer.allowed.files=${new URL(tokenUrl).pathname}`,
        }),
  };
}

/** The environment of our own command line. */
export function nativeEnvironment(login: Login, dir: string): Readonly<Record<string, string>> {
  const file = (name: string, content: string | undefined): string | undefined => {
    if (content === undefined) return undefined;
    const path = join(dir, `${++files}-${name}`);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const { mechanism } = login;
  return defined({
    RUSTLOG_USER: login.user,
    RUSTLOG_PASSWORD_FILE: file("password", login.password),
    RUSTLOG_MECHANISM: mechanism === "OAUTHBEARER" ? undefined : mechanism,
    RUSTLOG_TOKEN_FILE: file("token", login.token),
    RUSTLOG_CA: login.ca,
    RUSTLOG_CERT: login.cert,
    RUSTLOG_CERT_KEY: login.key,
  });
}

let files = 0;

/** The properties file of Java's client and of Kafka's tools. */
export function writeProperties(
  login: Login,
  dir: string,
): { readonly file: string; readonly tokenUrl: string | undefined } {
  const number = ++files;
  const path = (name: string): string => join(dir, `${number}-${name}`);
  const { mechanism, user, password, token, ca, cert, key } = login;
  let store: string | undefined;
  if (cert !== undefined && key !== undefined) {
    store = path("store.pem");
    writeFileSync(store, `${readFileSync(key, "utf8")}${readFileSync(cert, "utf8")}`);
  }
  const tokenFile = login.tokenFile ?? (token === undefined ? undefined : path("token"));
  const tokenUrl = tokenFile && `file://${tokenFile}`;
  if (token !== undefined) writeFileSync(path("token"), token);
  const properties = defined({
    "security.protocol": protocolOf(login),
    "sasl.mechanism": mechanism,
    "sasl.jaas.config": mechanism && jaasOf(mechanism, user ?? "", password ?? ""),
    "sasl.oauthbearer.token.endpoint.url": tokenUrl,
    "sasl.oauthbearer.jwt.retriever.class":
      tokenUrl && "org.apache.kafka.common.security.oauthbearer.FileJwtRetriever",
    "sasl.login.callback.handler.class":
      tokenUrl && "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler",
    // By default it gets no token more often than every six minutes.
    "sasl.login.refresh.min.period.seconds": tokenUrl && "0",
    "sasl.login.refresh.buffer.seconds": tokenUrl && "0",
    "ssl.truststore.type": ca && "PEM",
    "ssl.truststore.location": ca,
    "ssl.keystore.type": store && "PEM",
    "ssl.keystore.location": store,
  });
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(path("client.properties"), lines.join(""));
  return { file: path("client.properties"), tokenUrl };
}

function jaasOf(mechanism: Mechanism, user: string, password: string): string {
  const modules = "org.apache.kafka.common.security";
  if (mechanism === "OAUTHBEARER") {
    return `${modules}.oauthbearer.OAuthBearerLoginModule required;`;
  }
  const module = mechanism === "PLAIN" ? "plain.PlainLoginModule" : "scram.ScramLoginModule";
  return `${modules}.${module} required username="${user}" password="${password}";`;
}

function defined(
  settings: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
}
